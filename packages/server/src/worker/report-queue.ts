// Sends a run's reports in order without the run waiting for them: the engine draws while they are written.

import { setTimeout as delay } from "node:timers/promises";

import { limits } from "../limits.ts";
import type { Report } from "../tasks/task-source.ts";

/** One call of `send` at a time, after a short pause; whatever is pushed meanwhile goes along, or with the next one. After a failure
 *  nothing more is sent. */
export class ReportQueue {
  readonly #send: (reports: Iterable<Report>) => Promise<void>;
  readonly #pause: () => Promise<unknown>;
  readonly #failed = new AbortController();
  #waiting: Report[] = [];
  #sending: Promise<void> | undefined;
  #failure: unknown;
  #isTaken = false;
  #isOver = false;

  /** `send` reads the reports when it writes them: until then more may come, or the end may take them along. It rejects when
   *  they were refused or could not be sent. `pause` waits for what comes next. Default: the limit. */
  constructor(send: (reports: Iterable<Report>) => Promise<void>, pause: () => Promise<unknown> = () => delay(limits.reportPauseMs)) {
    this.#send = send;
    this.#pause = pause;
  }

  /** Aborted when a report failed: the run is in vain. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Each has the time of the call, or its own. Of progress that waits too long, the oldest is left out. */
  push(...reports: readonly Report[]): void {
    const atMs = performance.now();
    this.#waiting.push(...reports.map((report) => ({ atMs, ...report })));
    if (this.#waiting.length > limits.waitingReports) {
      const oldest = this.#waiting.findIndex(({ status }) => status === "task_output");
      if (oldest >= 0) this.#waiting.splice(oldest, 1);
    }
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
  }

  /** The end, with the last reports: waits for what is being written, and resolves to what is not. Throws what `send` threw. */
  async rest(...last: readonly Report[]): Promise<readonly Report[]> {
    this.#isOver = true;
    this.push(...last);
    if (this.#isTaken) await this.#sending;
    if (this.#failed.signal.aborted) throw this.#failure;
    return this.#waiting.splice(0);
  }

  /** Waits until everything is sent. Throws what `send` threw (a lost fence, a lost source). */
  async flush(): Promise<void> {
    await this.#sending;
    if (this.#failed.signal.aborted) throw this.#failure;
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#isOver && !this.#failed.signal.aborted) {
      await this.#pause();
      try {
        await this.#send(this.#take());
      } catch (error) {
        this.#failure = error;
        this.#failed.abort();
      } finally {
        this.#isTaken = false;
      }
    }
  }

  *#take(): Generator<Report> {
    if (this.#isOver) return;
    this.#isTaken = true;
    yield* this.#waiting.splice(0);
  }
}
