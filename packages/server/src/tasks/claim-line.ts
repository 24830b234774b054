// Where workers wait for tasks: one line per process, so that news of a task costs one statement and not one per worker.

import type { Database } from "../db/database.ts";
import type { Subscription } from "../db/listener.ts";
import { askForTasks } from "../db/queries/leases.ts";
import type { Claim, Claimed, ClaimedTask } from "../db/queries/leases.ts";
import { queueChannel } from "../db/queries/moved-rows.ts";
import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";

export interface ClaimRequest {
  readonly workerId: string;
  readonly models: readonly string[];
  /** Those that it has loaded, and those of which it has loaded the base (leases.ts). */
  readonly warm?: readonly string[];
  readonly warmBases?: readonly string[];
  /** Tasks that it can take at once. */
  readonly most: number;
  /** As in `Claim` (leases.ts). */
  readonly places?: number;
}

/** What a waiting worker asks, for whoever creates tasks: it goes in one transaction with them (new-task-line.ts). */
export interface HandOver {
  readonly claim: Claim;
  readonly most: number;
  /** One of the two must be called, once: with what was claimed and committed, or with why that is unknown. A worker that was given
   *  nothing goes on waiting. */
  settle(tasks: readonly ClaimedTask[]): void;
  fail(error: unknown): void;
}

/** Workers that wait for tasks. */
export interface WaitingWorkers {
  /** The claim of one that waits for tasks of these models, if one does and nobody is being asked for. */
  handOver(models: ReadonlySet<string>): HandOver | undefined;
}

export interface ClaimLine extends WaitingWorkers {
  /** Resolves to tasks as soon as there is one; to none after `waitMs` or when `signal` is aborted. What was claimed in that
   *  moment is still returned. Throws SERVER_UNAVAILABLE when the database stays away, or at once where too many wait. */
  claim(request: ClaimRequest, options: { signal: AbortSignal; waitMs: number }): Promise<ClaimedTask[]>;
  /** A task has ended: whoever was kept from tasks by the limits of their projects is asked for again. */
  askAgain(): void;
  /** Ends all waiting. */
  close(): void;
}

/** What a worker's task source needs of it. */
export type TaskClaims = Pick<ClaimLine, "claim" | "askAgain">;

/** `mostWaiting`: default the limit. */
export async function openClaimLine(deps: { db: Database }, mostWaiting: number = limits.waitingClaims): Promise<ClaimLine> {
  const line = new TableClaimLine(deps.db, mostWaiting);
  await line.listen();
  return line;
}

class TableClaimLine implements ClaimLine {
  readonly #db: Database;
  readonly #mostWaiting: number;
  /** In the order of their coming. */
  readonly #waiting = new Set<Waiter>();
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isServing = false;
  #isRung = false;
  /** Since the line was last asked for: somebody was held back; a task has ended. */
  #isHeldBack = false;
  #hasEnded = false;

  constructor(db: Database, mostWaiting: number) {
    this.#db = db;
    this.#mostWaiting = mostWaiting;
  }

  async listen(): Promise<void> {
    const ring = (): void => this.#ring();
    this.#subscription = await this.#db.listen(queueChannel, ring, ring);
    // For a notification that was lost.
    this.#timer = setInterval(ring, limits.claimPollMs);
  }

  async claim(request: ClaimRequest, { signal, waitMs }: { signal: AbortSignal; waitMs: number }): Promise<ClaimedTask[]> {
    if (this.#waiting.size >= this.#mostWaiting) throw new AtelierError("SERVER_UNAVAILABLE");
    const waiter = new Waiter(request);
    this.#waiting.add(waiter);
    const leave = (): void => waiter.leave();
    const timer = setTimeout(leave, waitMs);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    else this.#ring();
    return waiter.outcome.finally(() => {
      this.#waiting.delete(waiter);
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
    });
  }

  askAgain(): void {
    this.#hasEnded = true;
    if (this.#isHeldBack) this.#ring();
  }

  handOver(models: ReadonlySet<string>): HandOver | undefined {
    if (this.#isServing) return undefined;
    for (const waiter of this.#waiting) if (waiter.wants(models)) return this.#lend(waiter);
    return undefined;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#subscription?.stop();
    for (const waiter of this.#waiting) waiter.leave();
  }

  #lend(waiter: Waiter): HandOver {
    this.#isServing = true;
    waiter.beginAsking();
    const settled = (isOver: boolean): void => {
      // Before the next look at who waits.
      if (isOver) this.#waiting.delete(waiter);
      this.#isServing = false;
      if (this.#isRung) this.#ring();
    };
    return {
      ...claimOf(waiter.request),
      settle: (tasks) => settled(waiter.endAsking(tasks)),
      fail: (error) => settled(waiter.fail(error)),
    };
  }

  #ring(): void {
    this.#isRung = true;
    if (!this.#isServing) void this.#serve();
  }

  async #serve(): Promise<void> {
    this.#isServing = true;
    while (this.#isRung) {
      this.#isRung = false;
      this.#isHeldBack = false;
      this.#hasEnded = false;
      // Those who can be given the same tasks: when one of them finds none, there is none for the others either.
      const served = new Set<string>();
      for (const waiter of this.#waiting) {
        if (served.has(waiter.models) || served.has(waiter.group)) continue;
        const { isFound, isHeldBack } = await waiter.ask((request) => this.#ask(request));
        if (!isFound) served.add(isHeldBack ? waiter.group : waiter.models);
      }
      // A task that ended while its project held somebody back may be missing in what that statement saw.
      this.#isRung ||= this.#isHeldBack && this.#hasEnded;
    }
    this.#isServing = false;
  }

  async #ask(request: ClaimRequest): Promise<Claimed> {
    const { claim, most } = claimOf(request);
    const claimed = await askForTasks(this.#db, claim, most);
    this.#isHeldBack ||= claimed.isHeldBack;
    return claimed;
  }
}

function claimOf({ most, ...request }: ClaimRequest): { claim: Claim; most: number } {
  return { claim: { ...request, leaseMs: limits.leaseMs }, most };
}

class Waiter {
  readonly request: ClaimRequest;
  /** Of workers of the same models none has a task where none waits. */
  readonly models: string;
  /** And of those of the same group none where tasks wait and are held back. */
  readonly group: string;
  readonly outcome: Promise<ClaimedTask[]>;
  #resolve: (tasks: ClaimedTask[]) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #isAsking = false;
  #isLeaving = false;

  constructor(request: ClaimRequest) {
    this.request = request;
    const { models, places, workerId } = request;
    this.models = JSON.stringify(models.toSorted());
    // Of a project with a budget, who has named its places may be given less than others: it has a group of its own.
    this.group = places === undefined ? this.models : JSON.stringify([this.models, workerId]);
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Not while a statement claims for it: the task would be nobody's. */
  leave(): void {
    this.#isLeaving = true;
    if (!this.#isAsking) this.#resolve([]);
  }

  wants(models: ReadonlySet<string>): boolean {
    return !this.#isLeaving && this.request.models.some((model) => models.has(model));
  }

  /** Returns whether there was a task. One that leaves has no use for it, and says nothing of others; nor does a failure. */
  async ask(claim: (request: ClaimRequest) => Promise<Claimed>): Promise<{ isFound: boolean; isHeldBack: boolean }> {
    if (this.#isLeaving) return { isFound: true, isHeldBack: false };
    this.beginAsking();
    try {
      const { tasks, isHeldBack } = await claim(this.request);
      this.endAsking(tasks);
      return { isFound: tasks.length > 0, isHeldBack };
    } catch (error) {
      this.fail(error);
      return { isFound: false, isHeldBack: true };
    }
  }

  beginAsking(): void {
    this.#isAsking = true;
  }

  /** Returns whether the waiting is over. */
  endAsking(tasks: readonly ClaimedTask[]): boolean {
    this.#isAsking = false;
    const isOver = tasks.length > 0 || this.#isLeaving;
    if (isOver) this.#resolve([...tasks]);
    return isOver;
  }

  /** It may have been given something that nobody knows of. The waiting is over. */
  fail(error: unknown): true {
    this.#reject(error);
    return true;
  }
}
