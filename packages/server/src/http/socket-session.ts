// One open socket: the tasks that its client follows, and the frames that it is sent.

import { isTerminal } from "@atelier/schema/status";
import { endFrame, errorFrame, greetingFrame, numberedFrames, previewFrame } from "@atelier/schema/wire-frame";
import type { WebSocket } from "ws";

import { selectTaskByToken } from "../db/queries/events.ts";
import { AtelierError } from "../errors.ts";
import type { EndReason, Following } from "../events/following.ts";
import type { Preview } from "../events/preview-feed.ts";
import type { limits } from "../limits.ts";
import { findTask } from "../tasks/find-task.ts";
import type { RouteContext } from "./http-deps.ts";
import { showTask } from "./show-task.ts";
import { readSubscription } from "./socket-message.ts";
import type { TaskSubscription } from "./socket-message.ts";

export type SocketContext = Pick<RouteContext, "db" | "models" | "publicUrl" | "outputDays" | "events" | "log">;

export type SocketLimits = Readonly<Record<Extract<keyof typeof limits, `socket${string}`>, number>>;

/** Codes of RFC 6455, section 7.4.1. */
export const closeCodes = Object.freeze({ normal: 1000, goingAway: 1001, policy: 1008, fault: 1011, tryLater: 1013 });

interface SessionTask {
  readonly id: string;
  readonly projectId: string;
  readonly token: string;
  /** Frames carry their sequence number: the client asked for a place to start from. */
  readonly isNumbered: boolean;
}

interface FollowedTask extends SessionTask {
  readonly following: Following;
}

export class SocketSession {
  readonly #context: SocketContext;
  readonly #limits: SocketLimits;
  readonly #ws: WebSocket;
  /** By token, until the terminal frame is sent. */
  readonly #followed = new Map<string, FollowedTask>();
  /** Of those that the client wants to see while they are drawn. */
  readonly #previews = new Map<string, { stop(): void }>();
  #reading = Promise.resolve();
  #waitingFrames = 0;
  #idleSince = Date.now();
  #isFull = false;
  #answeredPing = true;

  constructor(context: SocketContext, ws: WebSocket, socketLimits: SocketLimits) {
    this.#context = context;
    this.#limits = socketLimits;
    this.#ws = ws;
    // With the library's default `binaryType` every message is one Buffer.
    ws.on("message", (data, isBinary) => this.#receive(data as Buffer, isBinary));
    ws.on("pong", () => (this.#answeredPing = true));
    ws.on("close", () => this.#stopFollowing());
    // The library closes the connection with the fitting code by itself.
    ws.on("error", (error) => context.log.debug({ err: error }, "socket.error"));
    this.#send(greetingFrame);
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  /** Cuts the connection without a word. */
  cut(): void {
    this.#ws.terminate();
  }

  /** Cuts a socket whose client is no longer there or has not read up to the last ping, closes one that follows nothing, and
   *  pings the others. Called every `socketPingMs`. */
  checkLife(): void {
    if (!this.#answeredPing) return this.cut();
    if (this.#followed.size === 0 && Date.now() - this.#idleSince >= this.#limits.socketIdleMs) {
      return this.close(closeCodes.normal, "no task is followed");
    }
    this.#answeredPing = false;
    this.#ws.ping();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    // Binary frames belong to realtime models.
    if (isBinary) return;
    this.#waitingFrames += 1;
    if (this.#waitingFrames > this.#limits.socketWaitingFrames) return this.close(closeCodes.policy, "too many frames");
    // One after the other: a subscription counts before the next is looked at.
    this.#reading = this.#reading
      .then(() => this.#answer(data.toString("utf8")))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => (this.#waitingFrames -= 1));
  }

  async #answer(frame: string): Promise<void> {
    const subscription = readSubscription(frame);
    if (!subscription || this.#isClosed()) return;
    const followed = this.#followed.get(subscription.token);
    // Asked for again: its events come already, its previews perhaps not yet.
    if (followed) return subscription.wantsPreviews ? this.#showPreviews(followed) : undefined;
    if (this.#followed.size >= this.#limits.socketTasks) return this.#refuse("too many tasks on one socket");
    const found = await selectTaskByToken(this.#context.db, subscription.token);
    if (this.#isClosed()) return;
    if (!found) return this.#refuse(new AtelierError("TASK_NOT_FOUND").message);
    this.#follow({ ...found, token: subscription.token, isNumbered: subscription.afterSeq !== undefined }, subscription);
  }

  #follow(task: SessionTask, { afterSeq = 0, wantsPreviews }: TaskSubscription): void {
    const following = this.#context.events.follow(
      { taskId: task.id, afterSeq },
      {
        onEvent: (event) => {
          // The terminal frame shows the task, which onEnd reads first.
          if (isTerminal(event.type)) return;
          for (const { frame, seq } of numberedFrames(task, event)) this.#send({ ...frame, ...(task.isNumbered && { seq }) });
        },
        onEnd: (reason) => void this.#end(task, reason).catch((error: unknown) => this.#fail(error)),
      },
    );
    this.#followed.set(task.token, { ...task, following });
    if (wantsPreviews) this.#showPreviews(task);
    if (this.#isFull) following.pause();
  }

  #showPreviews(task: SessionTask): void {
    if (this.#previews.has(task.token)) return;
    this.#previews.set(task.token, this.#context.events.previews.follow(task.id, (preview) => this.#show(task, preview)));
  }

  /** A client that is behind misses previews, not events. */
  #show(task: SessionTask, preview: Preview): void {
    if (!this.#isFull) this.#send(previewFrame(task, preview));
  }

  /** Clients that see the terminal frame ask Detail next; this reads the same row, after the event was committed with it. */
  async #end(task: SessionTask, reason: EndReason): Promise<void> {
    if (reason === "stopped") return this.close(closeCodes.goingAway, "the server stops");
    if (reason === "failed") return this.close(closeCodes.fault, "the server could not go on");
    const seq = this.#followed.get(task.token)?.following.deliveredSeq;
    const ended = await findTask(this.#context, { projectId: task.projectId, id: task.id });
    if (!ended) return this.#refuse(new AtelierError("TASK_NOT_FOUND").message);
    this.#stopPreviews(task.token);
    this.#send({ ...endFrame(showTask(this.#context, ended)), ...(task.isNumbered && { seq }) });
    this.#followed.delete(task.token);
    this.#idleSince = Date.now();
  }

  #refuse(message: string): void {
    this.#send(errorFrame(message));
    this.close(closeCodes.policy, message);
  }

  /** The client falls back to polling, or comes again. */
  #fail(error: unknown): void {
    this.#context.log.warn({ err: error }, "socket.failed");
    this.close(closeCodes.tryLater, "try again");
  }

  /** A full send buffer pauses the tasks; their events wait in the table. */
  #send(frame: object): void {
    if (this.#isClosed()) return;
    this.#ws.send(JSON.stringify(frame), this.#onSent);
    if (this.#isFull || this.#ws.bufferedAmount < this.#limits.socketBufferBytes) return;
    this.#isFull = true;
    for (const { following } of this.#followed.values()) following.pause();
  }

  readonly #onSent = (): void => {
    if (!this.#isFull || this.#ws.bufferedAmount > this.#limits.socketBufferBytes / 2) return;
    this.#isFull = false;
    for (const { following } of this.#followed.values()) following.resume();
  };

  #isClosed(): boolean {
    return this.#ws.readyState !== this.#ws.OPEN;
  }

  #stopPreviews(token: string): void {
    this.#previews.get(token)?.stop();
    this.#previews.delete(token);
  }

  #stopFollowing(): void {
    for (const { following } of this.#followed.values()) following.stop();
    this.#followed.clear();
    for (const token of this.#previews.keys()) this.#stopPreviews(token);
  }
}
