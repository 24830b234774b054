// One task as the table of moves allows it, without a database: what may race for it, and what the fence refuses.

import { allowedMoves, isTerminal, leasedStatuses, moversOf } from "@atelier/schema/status";
import type { Mover, Status } from "@atelier/schema/status";

/** What a worker shows with a report: the attempt that it was given. */
export interface Report {
  readonly attempt: number;
  readonly to: Status;
}

/** What happened to the task, the queue at the beginning included. */
export interface LifeEvent {
  readonly from: Status | undefined;
  readonly to: Status;
  readonly attempt: number;
  /** The attempt whose worker reported it; undefined where no worker did. */
  readonly reporter?: number | undefined;
}

/** A task and its whole past. Every change goes through the table; a method says whether it changed anything. */
export class Life {
  readonly events: LifeEvent[] = [{ from: undefined, to: "task_queue", attempt: 0 }];
  /** Reports refused because the attempt is not the newest one, or because nobody holds the task. */
  late = 0;
  #status: Status = "task_queue";
  #attempt = 0;

  get status(): Status {
    return this.#status;
  }

  get attempt(): number {
    return this.#attempt;
  }

  /** A worker takes the waiting task. Returns the attempt that it now holds. */
  claim(): number | undefined {
    if (!allowedMoves[this.#status].includes("task_accept")) return undefined;
    this.#attempt += 1;
    this.#move("task_accept", { mover: "worker", reporter: this.#attempt });
    return this.#attempt;
  }

  /** A worker's report: it counts only while the attempt holds the lease. */
  report({ attempt, to }: Report): boolean {
    if (attempt !== this.#attempt || !leasedStatuses.includes(this.#status)) {
      this.late += 1;
      return false;
    }
    // Nobody gets a new attempt, or ends a task as cancelled, by a report.
    return to !== "task_accept" && this.#move(to, { mover: "worker", reporter: attempt });
  }

  /** Cancel: from the queue only. */
  cancel(): boolean {
    return this.#status === "task_queue" && this.#move("task_cancel", { mover: "caller" });
  }

  /** Kill: from a worker's hands only. */
  kill(): boolean {
    return leasedStatuses.includes(this.#status) && this.#move("task_cancel", { mover: "caller" });
  }

  /** Its lease has run out: back to the queue, or to the end when it was lost too often. */
  rescue({ isLast }: { isLast: boolean }): boolean {
    if (!leasedStatuses.includes(this.#status)) return false;
    return this.#move(isLast ? "task_postprocess_end" : "task_queue", { mover: "system" });
  }

  /** It waited or ran for longer than its model allows. */
  expire(): boolean {
    return this.#move("task_cancel", { mover: "system" });
  }

  #move(to: Status, { mover, reporter }: { mover: Mover; reporter?: number }): boolean {
    if (!moversOf({ from: this.#status, to }).includes(mover)) return false;
    this.events.push({ from: this.#status, to, attempt: this.#attempt, reporter });
    this.#status = to;
    return true;
  }
}

/** What is wrong with a life; empty when all is well. */
export function brokenRules({ events, status }: Life): string[] {
  const broken: string[] = [];
  const terminal = events.filter(({ to }) => isTerminal(to));
  if (terminal.length > 1) broken.push("it ended more than once");
  if (terminal.length === 1 && (!isTerminal(status) || terminal[0] !== events.at(-1))) broken.push("it went on after its end");
  for (const [place, { from, to, attempt, reporter }] of events.entries()) {
    const before = events[place - 1];
    if (!before) continue;
    if (from !== before.to || !allowedMoves[before.to].includes(to)) broken.push(`it moved from ${before.to} to ${to}`);
    if (reporter !== undefined && reporter !== attempt) broken.push(`attempt ${reporter} changed attempt ${attempt}`);
    if (attempt !== before.attempt + (to === "task_accept" ? 1 : 0)) broken.push(`attempt ${before.attempt} became ${attempt}`);
  }
  return broken;
}
