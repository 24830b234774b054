// One follower's place in the event log of a task.

import type { TaskEvent } from "../db/queries/events.ts";

/** Why no more events come: the task ended, it was removed, the feed was stopped, or `onEvent` threw. */
export type EndReason = "ended" | "gone" | "stopped" | "failed";

export interface Follower {
  /** Called in order of `seq`, once for each event. */
  readonly onEvent: (event: TaskEvent) => void;
  /** Called once, after the last event; not after `stop()`. */
  readonly onEnd?: (reason: EndReason) => void;
}

/** Following a task. Events that a follower cannot take wait in the table, not in memory. */
export class Following {
  readonly taskId: string;
  /** The newest event that was delivered; 0 before the first. */
  deliveredSeq: number;
  readonly follower: Follower;
  readonly #feed: { look(taskId: string): void; leave(following: Following): void };
  #isPaused = false;

  constructor(
    task: { taskId: string; afterSeq: number },
    follower: Follower,
    feed: { look(taskId: string): void; leave(following: Following): void },
  ) {
    this.taskId = task.taskId;
    this.deliveredSeq = task.afterSeq;
    this.follower = follower;
    this.#feed = feed;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** No event comes until `resume()`. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Goes on after the last delivered event. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#feed.look(this.taskId);
  }

  /** No call comes after this. */
  stop(): void {
    this.#feed.leave(this);
  }
}
