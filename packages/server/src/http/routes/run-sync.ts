// POST /v1/Run/{owner}/{model}/sync: runs a model and answers when its task has ended (docs/wire-contract.md, "Run/sync").

import { isTerminal } from "@atelier/schema/status";
import { successEnvelope } from "@atelier/schema/wire-envelope";
import { numberedFrames } from "@atelier/schema/wire-frame";
import { expiredSchema, successSchema } from "@atelier/schema/wire-envelope-schema";
import { textField } from "@atelier/schema/lenient-field";
import { wireTaskSchema } from "@atelier/schema/wire-task-schema";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";

import { AtelierError } from "../../errors.ts";
import type { Following } from "../../events/following.ts";
import { limits } from "../../limits.ts";
import { authenticate } from "../authenticate.ts";
import { sentContentType } from "../content-type.ts";
import { EventStream } from "../event-stream.ts";
import { FormGate, withForm } from "../form-parts.ts";
import type { Form } from "../form-parts.ts";
import { HeldPlaces, whenAborted } from "../held-places.ts";
import { detailAtTheEnd, expiredAnswer } from "../held-run.ts";
import type { HeldRun, RunWatcher } from "../held-run.ts";
import type { RouteContext } from "../http-deps.ts";
import type { Operation } from "../openapi/operation.ts";
import { runBody, runFailures, runFilesWanted, runPath, startRun } from "./run.ts";
import type { StartedRun } from "./run.ts";

export type SyncLimits = Readonly<Record<Extract<keyof typeof limits, `sync${string}`>, number>>;

const detailReply = successSchema({ total: z.string().regex(/^1$/), tasklist: z.array(wireTaskSchema).length(1) }).meta({ id: "RunSyncReply" });

const operation: Operation = {
  id: "runSync",
  summary: "Run a model and wait for the end of its task",
  description: "As server-sent events: `start`, `task_output` for every event of the task, `done` with the answer.",
  tag: "Run",
  access: "project",
  path: runPath,
  query: z.object({ stream: textField("Asks for server-sent events.", { enum: ["true"] }) }),
  body: runBody,
  replies: {
    200: {
      description: "The ended task.",
      content: { "application/json": detailReply, "text/event-stream": "text" },
    },
    504: { description: "The task goes on.", content: { "application/json": expiredSchema } },
  },
  failures: runFailures,
};

/** The task is as durable as one of Run and goes on when nobody waits for it any more. `syncLimits`: for tests. */
export function addRunSyncRoute(app: FastifyInstance, context: RouteContext, syncLimits: SyncLimits = limits): void {
  const places = new HeldPlaces(syncLimits.syncRequests);
  const gate = new FormGate();
  app.addHook("preClose", async () => places.abortAll());
  app.post<{ Params: Record<string, string> }>("/v1/Run/:owner/:model/sync", { config: { operation } }, async (request, reply) => {
    const caller = await authenticate(context, request);
    const start = async (form: Form): Promise<StartedRun & { readonly signal: AbortSignal }> => {
      const place = places.take(reply.raw);
      const timer = setTimeout(() => place.abort(), syncLimits.syncWaitMs).unref();
      whenAborted(place.signal, () => clearTimeout(timer));
      const started = await startRun(context, { ...form, caller, headers: request.headers, path: request.params });
      return { ...started, signal: place.signal };
    };
    const form = { tempFolder: context.tempFolder, gate, wants: runFilesWanted(context, request.params), use: start };
    const started = await withForm(request.raw, sentContentType(request), form);
    const held = { ...started, projectId: caller.id };
    if (wantsEventStream(request)) return sendEventStream(context, held, { reply, keepAliveMs: syncLimits.syncKeepAliveMs });
    const detail = await detailAtTheEnd(context, held);
    if (detail) return detail;
    // A server that stops waits for its connections.
    reply.status(new AtelierError("WAIT_EXPIRED").httpStatus).header("connection", "close");
    return expiredAnswer(held);
  });
}

function wantsEventStream(request: FastifyRequest): boolean {
  // The framework's parser gives an object of text and lists.
  const { stream } = request.query as Record<string, unknown>;
  return stream === "true" || /\btext\/event-stream\b/i.test(request.headers.accept ?? "");
}

/** `start`, a `task_output` for each event of the task, and `done`, or `error` when the wait is over before the task. */
function sendEventStream(
  context: RouteContext,
  held: HeldRun,
  { reply, keepAliveMs }: { reply: FastifyReply; keepAliveMs: number },
): FastifyReply {
  const stream = new EventStream();
  const { taskid, socketaccesstoken } = held;
  stream.send({ name: "start", data: successEnvelope({ taskid, socketaccesstoken, id: taskid, status: "task_queue" }) });
  const keepAlive = setInterval(() => stream.keepAlive(), keepAliveMs).unref();
  void detailAtTheEnd(context, held, eventWriter(stream, held))
    .then((detail) => stream.send(detail ? { name: "done", data: detail } : { name: "error", data: expiredAnswer(held) }))
    .finally(() => {
      clearInterval(keepAlive);
      stream.end();
    });
  // "x-accel-buffering": a proxy that gathers the answer would hold the events back.
  reply.headers({ "cache-control": "no-store", "x-accel-buffering": "no", connection: "close" });
  return reply.type("text/event-stream; charset=utf-8").send(stream.readable);
}

/** A reader that is behind pauses the task's events; they wait in the table. */
function eventWriter(stream: EventStream, { taskid, socketaccesstoken }: HeldRun): RunWatcher {
  let following: Following | undefined;
  return {
    onFollowing(begun) {
      following = begun;
      stream.onDrain(() => begun.resume());
    },
    onEvent(event) {
      if (isTerminal(event.type)) return;
      for (const { frame, seq } of numberedFrames({ id: taskid, token: socketaccesstoken }, event)) {
        const { type, message } = frame;
        // A line of stderr is no status: clients that read only `status` must see the task's own.
        const data = { id: taskid, status: event.type, pexit: "", type, message };
        if (!stream.send({ name: "task_output", data, ...(seq !== undefined && { id: seq }) })) following?.pause();
      }
    },
  };
}
