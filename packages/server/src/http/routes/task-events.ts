// GET /v1/Task/Events/{tasktoken}: a task's event log as server-sent events (docs/wire-contract.md, "Task/Events").

import { textField } from "@atelier/schema/lenient-field";
import { isTerminal } from "@atelier/schema/status";
import { endFrame, numberedFrames } from "@atelier/schema/wire-frame";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";

import { largestSeq, selectTaskByToken } from "../../db/queries/events.ts";
import type { TokenTask } from "../../db/queries/events.ts";
import { AtelierError } from "../../errors.ts";
import { limits } from "../../limits.ts";
import { findTask } from "../../tasks/find-task.ts";
import { EventStream } from "../event-stream.ts";
import { HeldPlaces, whenAborted } from "../held-places.ts";
import type { RouteContext } from "../http-deps.ts";
import type { Operation } from "../openapi/operation.ts";
import { showTask } from "../show-task.ts";

/** `syncKeepAliveMs`: between two comments on any event stream. */
export type EventStreamLimits = Readonly<Record<"eventStreams" | "eventStreamRetryMs" | "syncKeepAliveMs", number>>;

interface StreamedTask extends TokenTask {
  readonly token: string;
}

const operation: Operation = {
  id: "taskEvents",
  summary: "Follow a task's events",
  description: [
    "Server-sent events: each has the event's number as `id`, and for data the frame that the socket sends (`ServerFrame`). The log is replayed, then followed; the stream ends after the frame with `terminal: true`.",
    "Whoever comes again with `Last-Event-ID`, as browsers do by themselves, gets what followed that event. With nothing left to come the answer is 204, which tells a browser to come no more.",
  ].join("\n\n"),
  tag: "Tasks",
  access: "open",
  path: { tasktoken: "The task's token, which is the permission." },
  query: z.object({
    afterseq: textField("Starts after the event of this number; the header `Last-Event-ID` goes before it.", { pattern: "^[0-9]{0,15}$" }),
  }),
  replies: {
    200: { description: "The events.", content: { "text/event-stream": "text" } },
    204: { description: "The task has ended, and nothing follows the named event." },
  },
  failures: ["TASK_NOT_FOUND", "SERVER_UNAVAILABLE"],
};

/** Events that a reader cannot take wait in the table. `streamLimits`: for tests. */
export function addTaskEventsRoute(app: FastifyInstance, context: RouteContext, streamLimits: EventStreamLimits = limits): void {
  const places = new HeldPlaces(streamLimits.eventStreams);
  app.addHook("preClose", async () => places.abortAll());
  app.get<{ Params: { tasktoken: string } }>("/v1/Task/Events/:tasktoken", { config: { operation } }, async (request, reply) => {
    // Before the first wait: a burst of requests would pass the limit during it.
    const { signal } = places.take(reply.raw);
    const token = request.params.tasktoken;
    const found = await selectTaskByToken(context.db, token);
    if (!found) throw new AtelierError("TASK_NOT_FOUND");
    const afterSeq = startOf(request);
    if (found.isOver && afterSeq >= found.lastSeq) return reply.status(204).send();
    const stream = new TaskStream(context, { ...found, token }, streamLimits);
    stream.follow(afterSeq, { cut: () => reply.raw.destroy(), unsentBytes: () => reply.raw.writableLength });
    whenAborted(signal, () => stream.end());
    return sendStream(reply, stream);
  });
}

function sendStream(reply: FastifyReply, stream: TaskStream): FastifyReply {
  // "x-accel-buffering": a proxy that gathers the answer would hold the events back.
  reply.headers({ "cache-control": "no-store", "x-accel-buffering": "no", connection: "close" });
  return reply.type("text/event-stream; charset=utf-8").send(stream.events.readable);
}

/** Number of the last event that the reader has; 0 from one that has none, or says what is no number. */
function startOf(request: FastifyRequest): number {
  // The framework's parser gives an object of text and lists.
  const { afterseq } = request.query as Record<string, unknown>;
  // An empty header is how a client says that it has none.
  const text = String(request.headers["last-event-id"]?.toString().trim() || (afterseq ?? "")).trim();
  return /^[0-9]{1,15}$/.test(text) ? Math.min(Number(text), largestSeq) : 0;
}

/** One reader's stream: from its place in the log to the task's end. */
class TaskStream {
  readonly events = new EventStream();
  readonly #context: RouteContext;
  readonly #task: StreamedTask;
  readonly #limits: EventStreamLimits;
  #stop = (): void => undefined;

  constructor(context: RouteContext, task: StreamedTask, streamLimits: EventStreamLimits) {
    this.#context = context;
    this.#task = task;
    this.#limits = streamLimits;
  }

  /** `cut`: ends the connection of a reader that does not read. `unsentBytes`: what waits in it. */
  follow(afterSeq: number, connection: { cut: () => void; unsentBytes: () => number }): void {
    this.events.retryAfter(this.#limits.eventStreamRetryMs);
    const following = this.#context.events.follow(
      { taskId: this.#task.id, afterSeq },
      {
        onEvent: (event) => {
          // The terminal frame shows the task, which is read first.
          if (isTerminal(event.type)) return;
          for (const { frame, seq } of numberedFrames(this.#task, event)) {
            const number = seq === undefined ? {} : { id: seq };
            if (!this.events.send({ data: { ...frame, seq }, ...number })) following.pause();
          }
        },
        onEnd: (reason) => void this.#end(reason === "ended", following.deliveredSeq),
      },
    );
    this.events.onDrain(() => following.resume());
    const timer = setInterval(() => {
      if (!this.events.keepAlive() && !this.events.isTaken(connection.unsentBytes())) connection.cut();
    }, this.#limits.syncKeepAliveMs).unref();
    this.#stop = () => {
      clearInterval(timer);
      following.stop();
    };
  }

  /** Without a last frame the reader comes again, to this server or another. */
  end(): void {
    this.#stop();
    this.events.end();
  }

  async #end(hasEnded: boolean, seq: number): Promise<void> {
    try {
      const task = hasEnded ? await findTask(this.#context, { projectId: this.#task.projectId, id: this.#task.id }) : undefined;
      if (task) this.events.send({ data: { ...endFrame(showTask(this.#context, task)), seq }, id: seq });
    } catch (error) {
      this.#context.log.warn({ err: error, taskId: this.#task.id }, "event_stream.failed");
    }
    this.end();
  }
}
