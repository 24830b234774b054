// Follows the event logs of tasks: what the table already has, then what is added, without a gap and without a repetition.
//
// The table is the only truth. A notification (`taskId:seq`, ids only) says where to look, so a lost one, a cut connection
// or a slow follower costs time and never an event: the next look starts after the last event that was delivered.

import { setTimeout as delay } from "node:timers/promises";

import { retryWaitMs } from "../db/database.ts";
import type { Database } from "../db/database.ts";
import type { Subscription } from "../db/listener.ts";
import { selectNews } from "../db/queries/events.ts";
import type { TaskNews } from "../db/queries/events.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { Following } from "./following.ts";
import type { EndReason, Follower } from "./following.ts";
import { openPreviewFeed } from "./preview-feed.ts";
import type { PreviewFeed } from "./preview-feed.ts";

export interface EventFeed {
  /** Calls `onEvent` for every event after `afterSeq` (0: from the beginning), and `onEnd` after the last. Calls begin after
   *  this has returned. */
  follow(task: { taskId: string; afterSeq: number }, follower: Follower): Following;
  /** Pictures of tasks that are being drawn. */
  readonly previews: PreviewFeed;
  /** Looks at every followed task now, notified or not. */
  runOnce(): Promise<void>;
  /** Ends all following. */
  stop(): void;
}

/** One per process: it holds one subscription and one timer, both only from the first follower on. */
export function openEventFeed(deps: { db: Database; log: Log }): EventFeed {
  return new TableFeed(deps);
}

class TableFeed implements EventFeed {
  readonly #deps: { readonly db: Database; readonly log: Log };
  /** By task, so that a notification costs one look-up however many tasks are followed. */
  readonly #followed = new Map<string, Set<Following>>();
  /** Tasks to look at. */
  readonly #stale = new Set<string>();
  readonly #stopping = new AbortController();
  #subscription: Promise<Subscription> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  readonly previews: PreviewFeed;

  constructor(deps: { db: Database; log: Log }) {
    this.#deps = deps;
    this.previews = openPreviewFeed(deps);
  }

  follow(task: { taskId: string; afterSeq: number }, follower: Follower): Following {
    this.#stopping.signal.throwIfAborted();
    const following = new Following(task, follower, {
      look: (taskId) => this.#look(taskId),
      leave: (leaving) => this.#leave(leaving),
    });
    const others = this.#followed.get(task.taskId);
    if (others) others.add(following);
    else this.#followed.set(task.taskId, new Set([following]));
    this.#listen();
    this.#look(task.taskId);
    return following;
  }

  async runOnce(): Promise<void> {
    this.#lookAtAll();
    await this.#looking;
  }

  stop(): void {
    this.#stopping.abort();
    this.previews.stop();
    // A set gives out what is left of it while its members are taken away.
    for (const followings of this.#followed.values()) {
      for (const following of followings) this.#end(following, "stopped");
    }
    this.#subscription?.then(
      (subscription) => subscription.stop(),
      () => undefined,
    );
  }

  /** Looks again once the subscription stands: what was added before that was not notified. */
  #listen(): void {
    this.#timer ??= setInterval(() => this.#lookAtAll(), limits.eventRescanMs).unref();
    if (this.#subscription) return;
    this.#subscription = this.#deps.db.listen(
      "atelier_event",
      (payload) => this.#onNotification(payload),
      () => this.#lookAtAll(),
    );
    this.#subscription.then(
      () => this.#lookAtAll(),
      (error: unknown) => {
        // The next follower tries again; until then the timer finds what is new.
        this.#subscription = undefined;
        this.#deps.log.warn({ err: error }, "events.not_listening");
      },
    );
  }

  #onNotification(payload: string): void {
    const [taskId = "", seq] = payload.split(":");
    const followings = this.#followed.get(taskId);
    if (!followings) return;
    for (const following of followings) {
      if (following.deliveredSeq < Number(seq)) return this.#look(taskId);
    }
  }

  #lookAtAll(): void {
    for (const taskId of this.#followed.keys()) this.#stale.add(taskId);
    this.#wake();
  }

  #look(taskId: string): void {
    this.#stale.add(taskId);
    this.#wake();
  }

  #wake(): void {
    this.#looking ??= this.#lookWhileStale().finally(() => {
      this.#looking = undefined;
      // Marked after the loop had seen an empty set.
      if (this.#stale.size > 0 && !this.#stopping.signal.aborted) this.#wake();
    });
  }

  /** One statement at a time; whatever is notified meanwhile shares the next one. */
  async #lookWhileStale(): Promise<void> {
    // Lets `follow` return before the first call, and gathers what is followed in one go.
    await Promise.resolve();
    for (let failures = 0; this.#stale.size > 0 && !this.#stopping.signal.aborted; ) {
      const taskIds = [...this.#stale.values()].slice(0, limits.eventTasksPerLook);
      for (const taskId of taskIds) this.#stale.delete(taskId);
      try {
        await this.#lookAt(taskIds);
        failures = 0;
      } catch (error) {
        for (const taskId of taskIds) this.#stale.add(taskId);
        this.#deps.log.warn({ err: error }, "events.look_failed");
        await delay(retryWaitMs(failures), undefined, { signal: this.#stopping.signal }).catch(() => undefined);
        failures += 1;
      }
    }
  }

  async #lookAt(taskIds: readonly string[]): Promise<void> {
    const watched = taskIds.flatMap((taskId) => {
      const places = this.#ready(taskId).map((following) => following.deliveredSeq);
      return places.length === 0 ? [] : [{ taskId, afterSeq: Math.min(...places) }];
    });
    if (watched.length === 0) return;
    const from = new Map(watched.map(({ taskId, afterSeq }) => [taskId, afterSeq]));
    for (const news of await selectNews(this.#deps.db, watched, limits.eventsPerLook)) {
      this.#deliver(news, from.get(news.taskId) ?? 0);
    }
  }

  #deliver(news: TaskNews, fromSeq: number): void {
    const isComplete = news.events.length < limits.eventsPerLook;
    if (!isComplete) this.#stale.add(news.taskId);
    for (const following of this.#ready(news.taskId)) {
      // It came, or was resumed, while the statement ran, and needs older events: it has marked the task for the next look.
      if (following.deliveredSeq < fromSeq) continue;
      this.#deliverTo(following, news);
      if (following.isPaused) continue;
      if (news.isGone) this.#end(following, "gone");
      else if (news.isOver && isComplete) this.#end(following, "ended");
    }
  }

  #deliverTo(following: Following, news: TaskNews): void {
    for (const event of news.events) {
      if (following.isPaused || !this.#isFollowing(following)) return;
      if (event.seq <= following.deliveredSeq) continue;
      following.deliveredSeq = event.seq;
      try {
        following.follower.onEvent(event);
      } catch (error) {
        this.#deps.log.error({ err: error, taskId: news.taskId }, "events.follower_failed");
        this.#end(following, "failed");
      }
    }
  }

  /** Those that follow the task and can take events. */
  #ready(taskId: string): Following[] {
    return [...(this.#followed.get(taskId) ?? [])].filter((following) => !following.isPaused);
  }

  #isFollowing(following: Following): boolean {
    return this.#followed.get(following.taskId)?.has(following) === true;
  }

  #end(following: Following, reason: EndReason): void {
    if (!this.#isFollowing(following)) return;
    this.#leave(following);
    following.follower.onEnd?.(reason);
  }

  #leave(following: Following): void {
    const followings = this.#followed.get(following.taskId);
    followings?.delete(following);
    if (followings?.size === 0) this.#followed.delete(following.taskId);
    if (this.#followed.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
