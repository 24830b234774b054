// Creates the durable record of a run.

import { cleanModelName } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";
import { priceOf } from "@atelier/schema/price";

import type { Database } from "../db/database.ts";
import { insertTask, lockProjectRuns } from "../db/queries/new-tasks.ts";
import type { Insertion, NewTask } from "../db/queries/new-tasks.ts";
import type { NewTaskLine } from "./new-task-line.ts";
import { AtelierError } from "../errors.ts";
import { drawHexId, drawToken } from "../secret-text.ts";
import { findRepeatedRun } from "./repeated-run.ts";
import type { RunOnce } from "./repeated-run.ts";

export interface RunRequest {
  readonly projectId: string;
  readonly model: Manifest;
  /** The request as it came, echoed on the wire. */
  readonly parameters: Record<string, unknown>;
  /** The validated input. */
  readonly input: Record<string, unknown>;
  /** Uploads, and outputs of other tasks, that the input names. */
  readonly fileIds?: readonly string[];
  readonly callbackUrl: string;
  /** Creates one task however often it is asked with the same key. */
  readonly once?: RunOnce | undefined;
}

export interface CreatedTask {
  readonly id: string;
  readonly token: string;
  /** Created by an earlier request with the same idempotency key. */
  readonly isRepeated: boolean;
}

export interface CreateTaskDeps {
  readonly db: Pick<Database, "query" | "transaction">;
  /** Where runs share statements. Default: each has its own. */
  readonly newTasks?: NewTaskLine | undefined;
}

/** Writes a waiting task. When it returns, the task is on disk and survives any crash.
 *  Throws OPEN_TASKS_LIMIT and BUDGET_SPENT when the project may have no further task now, IDEMPOTENCY_KEY_REUSED when
 *  `once.key` was used for another request. */
export async function createTask(deps: CreateTaskDeps, request: RunRequest): Promise<CreatedTask> {
  const { projectId, model, once } = request;
  const token = drawToken();
  const inserted = await insert(deps, {
    projectId,
    token,
    model: cleanModelName(model),
    modelId: model.id,
    parameters: request.parameters,
    input: request.input,
    ...(request.fileIds && { fileIds: request.fileIds }),
    callbackUrl: request.callbackUrl,
    ...taskPrices(model, request.input),
    outputFolderId: drawHexId(),
    queueLimitMs: milliseconds(model.deadlines.queueSeconds),
    runLimitMs: milliseconds(model.deadlines.runSeconds),
    idempotency: once,
  });
  if (inserted.kind === "created") return { id: inserted.id, token, isRepeated: false };
  // Also when the project is full by now: whoever lost the first answer must not be told that there is no task.
  const repeated = once && (await findRepeatedRun(deps, projectId, once));
  if (repeated) return { ...repeated, isRepeated: true };
  if (inserted.kind === "spent") throw new AtelierError("BUDGET_SPENT");
  if (inserted.kind === "full") throw new AtelierError("OPEN_TASKS_LIMIT", { most: inserted.most, balance: inserted.balance });
  throw new Error(`a task of project ${projectId} was neither created nor found: ${inserted.kind}`);
}

/** By the price list as it is now: a later one changes no task that waits. */
function taskPrices(model: Manifest, input: Record<string, unknown>): Pick<NewTask, "cps" | "requestPrice" | "outputPrice"> {
  const { price, priceMethod } = priceOf(model, input);
  if (priceMethod === "cps") return { cps: price };
  return { cps: "0", ...(priceMethod === "cpr" ? { requestPrice: price } : { outputPrice: price }) };
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.ceil(seconds * 1000);
}

/** One statement, shared where that is possible, unless the project has a limit that must be counted under a lock. */
async function insert({ db, newTasks }: CreateTaskDeps, task: NewTask): Promise<Insertion> {
  const { fileIds, idempotency, ...plain } = task;
  const isPlain = idempotency === undefined && (fileIds ?? []).length === 0;
  const inserted = await (newTasks && isPlain ? newTasks.insert(plain) : insertTask(db, task, { isLocked: false }));
  if (inserted.kind !== "locked") return inserted;
  return db.transaction(async (tx) => {
    await lockProjectRuns(tx, task.projectId);
    return insertTask(tx, task, { isLocked: true });
  });
}
