// The task source of a worker that reaches nothing but its server's worker API (docs/worker-api.md).

import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";

import { modelNames } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";
import { claimAnswerSchema, doneAnswerSchema, leasesAnswerSchema, modelsAnswerSchema, reportAnswerSchema } from "@atelier/schema/worker-messages";
import type { z } from "zod";

import { AtelierError } from "../../errors.ts";
import { limits } from "../../limits.ts";
import { EventPlaces } from "../../tasks/event-places.ts";
import { leaseKey } from "../../tasks/task-source.ts";
import type { AssignedTask, ClaimOffer, FailedRun, FinishedRun, Lease, Report, TaskSource } from "../../tasks/task-source.ts";
import { isUnavailable, ServerLink } from "./server-link.ts";
import type { LinkSettings } from "./server-link.ts";
import { declare, uploadOutput } from "./upload-outputs.ts";

export function openHttpTaskSource(settings: LinkSettings): TaskSource {
  return new HttpTaskSource(new ServerLink(settings));
}

class HttpTaskSource implements TaskSource {
  /** A server knows the places of its own worker alone. */
  readonly freesPlacesEarly = false;
  readonly #link: ServerLink;
  #models: { readonly version: string; readonly models: readonly Manifest[] } | undefined;
  readonly #places = new EventPlaces();
  /** Attempts that somebody looks at, until they are over. */
  readonly #wanted = new Set<string>();
  /** The answer to a claim was lost, and with it maybe a task. */
  #mustRecover = false;

  constructor(link: ServerLink) {
    this.#link = link;
  }

  async models(): Promise<readonly Manifest[]> {
    this.#models ??= await this.#link.call("models", modelsAnswerSchema, { method: "GET" });
    return this.#models.models;
  }

  async claim({ models, warm, warmBases, held }: ClaimOffer, signal: AbortSignal): Promise<readonly AssignedTask[]> {
    if (signal.aborted) return [];
    const giveUp = new AbortController();
    const end = (): void => void this.#endClaim(giveUp);
    signal.addEventListener("abort", end, { once: true });
    try {
      const body = { models, warm, warmBases, ...(this.#mustRecover && { recover: held.map(plain) }) };
      const answer = await this.#wait("claim", claimAnswerSchema, { body, signal: giveUp.signal });
      this.#mustRecover = false;
      if (this.#models?.version !== answer.modelsVersion) this.#models = undefined;
      return answer.task ? [await this.#assigned(answer.task)] : [];
    } catch (error) {
      this.#mustRecover ||= isUnavailable(error);
      if (signal.aborted && isUnavailable(error)) return [];
      throw error;
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  /** A heartbeat without an answer in time means that its connection may be dead; the lease is still long enough for one try
   *  on a fresh connection. */
  async renew(held: readonly Lease[]): Promise<readonly Lease[]> {
    this.#places.keep(held);
    for (const key of this.#wanted) if (!held.some((lease) => leaseKey(lease) === key)) this.#wanted.delete(key);
    const options = { body: { held: held.map(plain) }, timeoutMs: limits.workerHeartbeatMs };
    const beat = (): Promise<{ leases: Lease[] }> => this.#link.call("renew", leasesAnswerSchema, options);
    const answer = await beat().catch((error: unknown) => {
      if (!isUnavailable(error)) throw error;
      this.#link.reconnect();
      return beat();
    });
    return answer.leases;
  }

  async watch(held: readonly Lease[], signal: AbortSignal): Promise<readonly Lease[]> {
    try {
      return (await this.#wait("watch", leasesAnswerSchema, { body: { held: held.map(plain) }, signal })).leases;
    } catch (error) {
      if (signal.aborted) return [];
      throw error;
    }
  }

  /** The server stamps them as they come: its clock is not this machine's. */
  report(lease: Lease, reports: Iterable<Report>): Promise<boolean> {
    const url = `${pathOf(lease)}/report`;
    const timeless = Array.from(reports, ({ atMs: _atMs, ...report }) => report);
    if (timeless.length === 0) return Promise.resolve(true);
    const body = { reports: timeless, afterSeq: this.#places.of(lease) ?? 0 };
    return unlessLost(async () => {
      const { previews } = await this.#link.certainly(() => this.#link.call(url, reportAnswerSchema, { body }));
      this.#places.advance(lease, timeless.length);
      if (previews) this.#wanted.add(leaseKey(lease));
    });
  }

  wantsPreviews(lease: Lease): boolean {
    return this.#wanted.has(leaseKey(lease));
  }

  async readInput(lease: Lease, fileKey: string, path: string): Promise<boolean> {
    const url = `${pathOf(lease)}/inputs?key=${encodeURIComponent(fileKey)}`;
    const fetch = async (): Promise<void> => {
      const { body } = await this.#link.open(url, { method: "GET", timeoutMs: limits.requestMs });
      await pipeline(body, createWriteStream(path)).catch((cause: unknown) => {
        throw new AtelierError("SERVER_UNAVAILABLE", {}, { cause });
      });
    };
    return unlessLost(() => this.#link.certainly(fetch));
  }

  async finish(lease: Lease, { reports = [], outputs, ...run }: FinishedRun): Promise<boolean> {
    // Before the upload, which is no part of the time that is billed.
    if (reports.length > 0 && !(await this.report(lease, reports))) return false;
    const declared = await Promise.all(outputs.map(declare));
    const message = (isRepeated: boolean) => ({ ...run, outputs: declared, isRepeated });
    for (let tries = 1; ; tries += 1) {
      try {
        return await unlessLost(async () => {
          for (const [at, file] of outputs.entries()) {
            await uploadOutput(this.#link, { attemptPath: pathOf(lease), file, sizeBytes: declared[at]?.sizeBytes ?? 0 });
          }
          await this.#mustSay(lease, "finish", message);
        });
      } catch (error) {
        // It arrived damaged.
        const isIncomplete = error instanceof AtelierError && error.code === "WORKER_UPLOAD_INCOMPLETE";
        if (!isIncomplete || tries >= limits.uploadTries) throw error;
      }
    }
  }

  fail(lease: Lease, { mayRetry, debugError, debugOutput }: FailedRun): Promise<boolean> {
    return this.#say(lease, "fail", () => ({ mayRetry, debugError, debugOutput }));
  }

  putBack(lease: Lease): Promise<boolean> {
    return this.#say(lease, "put-back", () => ({}));
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  #say(lease: Lease, what: string, message: (isRepeated: boolean) => object): Promise<boolean> {
    return unlessLost(() => this.#mustSay(lease, what, message));
  }

  async #mustSay(lease: Lease, what: string, message: (isRepeated: boolean) => object): Promise<void> {
    await this.#link.certainly((isRepeated) =>
      this.#link.call(`${pathOf(lease)}/${what}`, doneAnswerSchema, { body: message(isRepeated) }),
    );
  }

  /** A request that the server holds open. */
  #wait<Answer extends z.ZodType>(path: string, answer: Answer, options: { body: object; signal: AbortSignal }): Promise<z.output<Answer>> {
    const timeoutMs = limits.claimWaitMs + limits.workerWaitGraceMs;
    return this.#link.call(path, answer, { ...options, timeoutMs });
  }

  /** Asks the server to answer the open claim now. What it claimed is not lost on the way, unless the answer does not come. */
  async #endClaim(giveUp: AbortController): Promise<void> {
    setTimeout(() => giveUp.abort(), limits.workerHeartbeatMs).unref();
    await this.#link.call("claim/end", doneAnswerSchema, { body: {}, timeoutMs: limits.workerHeartbeatMs }).catch(() => giveUp.abort());
  }

  async #assigned({ model, ...rest }: Omit<AssignedTask, "manifest">): Promise<AssignedTask> {
    const manifest = (await this.models()).find((candidate) => modelNames(candidate).includes(model));
    if (!manifest) throw new Error(`the server gave a task of ${model}, which is not among its models`);
    this.#places.begin(rest, rest.eventSeq);
    return { ...rest, model, manifest };
  }
}

async function unlessLost(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof AtelierError && error.code === "WORKER_LEASE_LOST") return false;
    throw error;
  }
}

function pathOf({ taskId, attempt }: Lease): string {
  return `tasks/${taskId}/attempts/${attempt}`;
}

/** A lease alone: callers may pass whole tasks. */
function plain({ taskId, attempt }: Lease): Lease {
  return { taskId, attempt };
}
