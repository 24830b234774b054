// The task source of a process that has the database and the files: the embedded worker's, and behind the worker API every
// remote worker's.

import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";

import { modelNames } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";

import { isRefusalOfValues } from "../db/connection-error.ts";
import { selectOutputByFileKey } from "../db/queries/files.ts";
import { renewLeases } from "../db/queries/leases.ts";
import { returnTask } from "../db/queries/moves.ts";
import type { Fence, Move } from "../db/queries/moves.ts";
import type { Queryable } from "../db/queryable.ts";
import { AtelierError } from "../errors.ts";
import type { PreviewFeed } from "../events/preview-feed.ts";
import type { FileStore } from "../files/file-store.ts";
import { limits } from "../limits.ts";
import type { TaskClaims } from "./claim-line.ts";
import { EventPlaces } from "./event-places.ts";
import { failAttempt } from "./fail-attempt.ts";
import { openInputFile } from "./input-files.ts";
import type { KillFeed } from "./kill-feed.ts";
import { previewIn, withoutPreview } from "./previews.ts";
import type { ReportLine } from "./report-line.ts";
import { discardOutputs, storeOutputs } from "./store-outputs.ts";
import type { WorkerPresence } from "./worker-presence.ts";
import type { AssignedTask, ClaimOffer, FailedRun, FinishedRun, Lease, Report, TaskSource } from "./task-source.ts";

export interface LocalTaskSourceDeps {
  readonly db: Queryable;
  readonly files: FileStore;
  readonly claims: TaskClaims;
  readonly kills: KillFeed;
  readonly reports: ReportLine;
  readonly listModels: () => readonly Manifest[];
  /** Who looks at tasks; absent: nobody. */
  readonly previews?: Pick<PreviewFeed, "isWanted" | "publish"> | undefined;
  /** Absent: nobody is told which workers there are. */
  readonly presence?: WorkerPresence;
}

export interface LocalTaskSource extends TaskSource {
  /** `afterSeq`: as the sender knows it; by default what was claimed and reported here. */
  report(lease: Lease, reports: Iterable<Report>, afterSeq?: number): Promise<boolean>;
}

export function openLocalTaskSource(deps: LocalTaskSourceDeps, workerId: string): LocalTaskSource {
  return new DatabaseTaskSource(deps, workerId);
}

class DatabaseTaskSource implements LocalTaskSource {
  readonly freesPlacesEarly = true;
  readonly #deps: LocalTaskSourceDeps;
  readonly #workerId: string;
  readonly #places = new EventPlaces();

  constructor(deps: LocalTaskSourceDeps, workerId: string) {
    this.#deps = deps;
    this.#workerId = workerId;
  }

  async models(): Promise<readonly Manifest[]> {
    return this.#deps.listModels();
  }

  async claim({ models, free, places, held, warm, warmBases }: ClaimOffer, signal: AbortSignal): Promise<readonly AssignedTask[]> {
    const byName = new Map(this.#deps.listModels().flatMap((manifest) => modelNames(manifest).map((name) => [name, manifest] as const)));
    const known = models.filter((name) => byName.has(name));
    this.#deps.presence?.offer({ workerId: this.#workerId, models: known, places: places ?? free + held.length });
    const request = {
      workerId: this.#workerId,
      models: known,
      warm: warm ?? [],
      warmBases: warmBases ?? [],
      most: Math.min(free, limits.claimBatch),
      ...(places !== undefined && { places }),
    };
    const tasks = await this.#deps.claims.claim(request, { signal, waitMs: limits.claimWaitMs });
    return tasks.flatMap(({ id, attempt, model, input, eventSeq }) => {
      const manifest = byName.get(model);
      if (!manifest) return [];
      const task = { taskId: id, attempt, model, manifest, input, eventSeq };
      this.#places.begin(task, eventSeq);
      return [task];
    });
  }

  async renew(held: readonly Lease[]): Promise<readonly Lease[]> {
    this.#deps.presence?.touch(this.#workerId);
    this.#places.keep(held);
    const renewed = await renewLeases(this.#deps.db, {
      workerId: this.#workerId,
      leaseMs: limits.leaseMs,
      held: held.map(({ taskId, attempt }) => ({ id: taskId, attempt })),
    });
    return renewed.map(({ id, attempt }) => ({ taskId: id, attempt }));
  }

  watch(held: readonly Lease[], signal: AbortSignal): Promise<readonly Lease[]> {
    return this.#deps.kills.watch(held, { signal, waitMs: limits.killWatchMs });
  }

  async report(lease: Lease, reports: Iterable<Report>, afterSeq = this.#places.of(lease)): Promise<boolean> {
    const written: Report[] = [];
    const isMoved = await this.#deps.reports.move({ fence: this.#fence(lease), moves: movesOf(reports, written), afterSeq });
    if (!isMoved) return false;
    this.#places.advance(lease, written.length);
    this.#showPreview(lease, written);
    return true;
  }

  wantsPreviews({ taskId }: Lease): boolean {
    return this.#deps.previews?.isWanted(taskId) === true;
  }

  /** The newest alone: it shows what the others show, and more. */
  #showPreview({ taskId }: Lease, reports: readonly Report[]): void {
    const preview = reports.map(({ data }) => previewIn(data)).findLast((shown) => shown !== undefined);
    if (preview && this.#deps.previews?.isWanted(taskId)) this.#deps.previews.publish(taskId, preview);
  }

  async readInput(lease: Lease, fileKey: string, path: string): Promise<boolean> {
    const file = await openInputFile(this.#deps, this.#fence(lease), fileKey);
    if (file === "lost") return false;
    if (file === "missing") throw new AtelierError("WORKER_INPUT_MISSING");
    await pipeline(file.stream, createWriteStream(path));
    return true;
  }

  async finish(lease: Lease, { reports: last = [], outputs: drawn, ...run }: FinishedRun): Promise<boolean> {
    const { db, files, reports, claims } = this.#deps;
    const fence = this.#fence(lease);
    const outputs = await storeOutputs(files, drawn);
    const isEnded = await reports.finish(fence, { ...run, moves: [...movesOf(last)], outputs }).catch(async (cause: unknown) => {
      if (!isRefusalOfValues(cause)) throw cause;
      await discardOutputs(files, outputs);
      throw new AtelierError("WORKER_MESSAGE_INVALID", { problem: cause.message }, { cause });
    });
    claims.askAgain();
    if (isEnded) return true;
    // A refusal that answers the repetition of a write that was done: the task names these outputs.
    if (outputs[0] && (await selectOutputByFileKey(db, outputs[0].fileKey))) return true;
    await discardOutputs(files, outputs);
    return false;
  }

  async fail(lease: Lease, run: FailedRun): Promise<boolean> {
    const isFailed = await failAttempt(this.#deps.db, this.#fence(lease), run);
    this.#deps.claims.askAgain();
    return isFailed;
  }

  putBack(lease: Lease): Promise<boolean> {
    return returnTask(this.#deps.db, this.#fence(lease), { engineFailed: false, debugError: "" });
  }

  /** Line, feed and store are the process's own. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  #fence(lease: Lease): Fence {
    return { taskId: lease.taskId, attempt: lease.attempt, workerId: this.#workerId };
  }
}

/** Reads the reports when it is read itself, and keeps what it read in `read`. */
function* movesOf(reports: Iterable<Report>, read: Report[] = []): Generator<Move> {
  for (const report of reports) {
    read.push(report);
    const { status, data, ...more } = report;
    yield { to: status, data: withoutPreview(data), ...more };
  }
}
