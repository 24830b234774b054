// Tells once that the task source does not answer, again now and then while that lasts, and once when it answers again: a worker
// asks many times a minute, and a line for each would hide everything else.

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";

export class AwayNotice {
  readonly #log: Log;
  readonly #clock: () => number;
  #since: number | undefined;
  #remindAt = 0;
  #remindMs = 0;

  /** `clock`: milliseconds; tests pass their own. */
  constructor(log: Log, clock: () => number = () => performance.now()) {
    this.#log = log;
    this.#clock = clock;
  }

  /** A call has failed. `event`: what to log of an error that says something else than that the source is away. */
  failed(error: unknown, event: string): void {
    if (!(error instanceof AtelierError) || error.code !== "SERVER_UNAVAILABLE") return this.#log.warn({ err: error }, event);
    const now = this.#clock();
    if (this.#since !== undefined && now < this.#remindAt) return;
    this.#remindMs = this.#since === undefined ? limits.awayReminderMs : Math.min(2 * this.#remindMs, limits.awayReminderMaxMs);
    this.#since ??= now;
    this.#remindAt = now + this.#remindMs;
    this.#log.warn({ reason: reasonOf(error), awaySeconds: Math.round((now - this.#since) / 1000) }, "worker.server_away");
  }

  /** A call was answered. */
  answered(): void {
    if (this.#since === undefined) return;
    this.#log.info({ awaySeconds: Math.round((this.#clock() - this.#since) / 1000) }, "worker.server_back");
    this.#since = undefined;
  }
}

/** What happened, not what a client of the server would be told. */
function reasonOf(error: Error): string {
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  const code = (cause as { code?: unknown }).code;
  return cause.message || (typeof code === "string" ? code : cause.name);
}
