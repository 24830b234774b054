// What a remote worker reports about the attempt that it holds. Every route is fenced by task, attempt and worker.

import { wellFormed } from "@atelier/schema/parse-value";
import {
  doneAnswerSchema,
  emptyMessageSchema,
  failMessageSchema,
  finishMessageSchema,
  reportAnswerSchema,
  reportMessageSchema,
} from "@atelier/schema/worker-messages";
import type { FinishMessage, ReportMessage } from "@atelier/schema/worker-messages";
import type { FastifyInstance } from "fastify";

import { selectAttempt } from "../../db/queries/moves.ts";
import type { Fence } from "../../db/queries/moves.ts";
import { limits } from "../../limits.ts";
import type { Lease } from "../../tasks/task-source.ts";
import { discardPieces, withUploadedOutputs } from "../../tasks/upload-pieces.ts";
import { addWorkerRoute, held, leaseIn } from "./worker-route.ts";
import type { WorkerCall, WorkerRoute, WorkerRouteDeps } from "./worker-route.ts";

const base = "tasks/:task/attempts/:attempt";

/** What every route of an attempt has. */
export const attemptPath = { task: "The task's id.", attempt: "The attempt that the worker was given." };

export function addAttemptRoutes(app: FastifyInstance, deps: WorkerRouteDeps): void {
  addWorkerRoute(app, deps, {
    ...attemptRoute("report", "Move the task on"),
    answer: reportAnswerSchema,
    message: reportMessageSchema,
    handle: async (call) => {
      const lease = leaseIn(call.request);
      return { ...held(await report(deps, call, lease)), ...(call.source.wantsPreviews(lease) && { previews: true }) };
    },
  });
  addWorkerRoute(app, deps, {
    ...attemptRoute("finish", "End the task well, with the outputs that were uploaded"),
    message: finishMessageSchema,
    failures: ["WORKER_LEASE_LOST", "WORKER_UPLOAD_INCOMPLETE", "WORKER_UPLOAD_CHECKSUM"],
    handle: async (call) => held(await finish(deps, call)),
  });
  addWorkerRoute(app, deps, {
    ...attemptRoute("fail", "End the task badly, or return it to the queue where it may be tried again"),
    message: failMessageSchema,
    handle: async ({ source, request, message }) => {
      const lease = leaseIn(request);
      const { mayRetry, debugError, debugOutput } = message;
      return held(await discardAfter(deps, lease, () => source.fail(lease, { mayRetry, debugError: short(debugError), debugOutput: short(debugOutput) })));
    },
  });
  addWorkerRoute(app, deps, {
    ...attemptRoute("put-back", "Return the task to the queue unharmed"),
    message: emptyMessageSchema,
    handle: async ({ source, request }) => {
      const lease = leaseIn(request);
      return held(await discardAfter(deps, lease, () => source.putBack(lease)));
    },
  });
}

function attemptRoute(name: string, summary: string) {
  const id = `worker${name.replace(/(^|-)([a-z])/g, (_all, _hyphen, letter: string) => letter.toUpperCase())}`;
  const failures: WorkerRoute<never, never>["failures"] = ["WORKER_LEASE_LOST"];
  return { url: `${base}/${name}`, id, summary, path: attemptPath, answer: doneAnswerSchema, failures };
}

async function report({ db }: WorkerRouteDeps, { source, message: { reports, afterSeq }, ...call }: WorkerCall<ReportMessage>, lease: Lease): Promise<boolean> {
  if (await source.report(lease, reports, afterSeq)) return true;
  // Its answer was lost, or it is a late copy of one that was repeated: it was done as a whole, or not at all.
  const fence = fenceOf(call, lease);
  const now = await selectAttempt(db, fence);
  return now?.workerId === fence.workerId && now.lastEventSeq >= afterSeq + reports.length;
}

async function finish(deps: WorkerRouteDeps, call: WorkerCall<FinishMessage>): Promise<boolean> {
  const { outputs, provenance, isRepeated } = call.message;
  const lease = leaseIn(call.request);
  const fence = fenceOf(call, lease);
  const now = await selectAttempt(deps.db, fence);
  // Whoever ended this attempt well was its only holder: this worker, whose answer was lost.
  if (isRepeated && now?.pexit === "0") return true;
  if (now?.workerId !== fence.workerId) return false;
  const { debugOutput, debugError = "" } = call.message;
  return withUploadedOutputs(deps, { lease, outputs }, (files) => {
    const run = { outputs: files, debugOutput: short(debugOutput), debugError: short(debugError), provenance };
    return discardAfter(deps, lease, () => call.source.finish(lease, run));
  });
}

/** After an attempt's last word nothing of it is kept. What a refused one has left is swept: another worker may have sent it. */
async function discardAfter(deps: WorkerRouteDeps, lease: Lease, ending: () => Promise<boolean>): Promise<boolean> {
  const isEnded = await ending();
  if (isEnded) await discardPieces(deps, lease);
  return isEnded;
}

function fenceOf({ worker }: Pick<WorkerCall<unknown>, "worker">, lease: Lease): Fence {
  return { ...lease, workerId: worker.workerId };
}

/** PostgreSQL's text holds no NUL character, and its JSON no half of an emoji. */
function short(text: string): string {
  return wellFormed(text.slice(0, limits.debugCharacters).replaceAll("\0", "\uFFFD"));
}
