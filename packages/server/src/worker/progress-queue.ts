// Writes a run's progress to the database without falling behind it.

import type { Progress } from "../engines/follow-run.ts";

/** Writes progress in order, one statement at a time; while one is on its way only the newest waits behind it. */
export class ProgressQueue {
  readonly #write: (progress: Progress) => Promise<void>;
  #writing: Promise<void> | undefined;
  #next: Progress | undefined;
  #failure: unknown;

  constructor(write: (progress: Progress) => Promise<void>) {
    this.#write = write;
  }

  push(progress: Progress): void {
    this.#next = progress;
    this.#writing ??= this.#drain();
  }

  /** Waits until everything is written. Throws what a write threw (a lost fence, a lost database). */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failure) throw this.#failure;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#next) {
        const progress = this.#next;
        this.#next = undefined;
        await this.#write(progress);
      }
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#writing = undefined;
    }
  }
}
