// Random lives on the pure table of moves: callers, workers (late ones too) and the system race for one task.
// ATELIER_LIVES: how many (default 5,000); fast-check prints the seed and path of a life that breaks a rule.

import { allowedMoves, isTerminal, statuses } from "@atelier/schema/status";
import type { Status } from "@atelier/schema/status";
import fc from "fast-check";
import { expect, test } from "vitest";

import { Life, brokenRules } from "./life.ts";

const lives = Number(process.env["ATELIER_LIVES"] ?? 5_000);

/** Each number is one throw of the dice: who acts, and with which choice. */
const throws = fc.array(fc.nat(999_999), { minLength: 20, maxLength: 60 });

test("random lives end once, for good, with growing attempts and by the table's moves alone", { timeout: 600_000 }, () => {
  const seen = { late: 0, cancelled: 0, killed: 0, rescued: 0, expired: 0, finished: 0 };
  let ended = 0;
  fc.assert(
    fc.property(throws, (numbers) => {
      const life = new Life();
      for (const number of numbers) act(life, number, seen);
      workToTheEnd(life);
      const broken = brokenRules(life);
      if (!isTerminal(life.status)) broken.push(`it rests in ${life.status}`);
      if (broken.length > 0) throw new Error(`${broken.join("; ")}: ${JSON.stringify(life.events)}`);
      ended += 1;
      seen.late += life.late;
    }),
    { numRuns: lives },
  );
  console.log(`state machine: ${ended} lives, ${JSON.stringify(seen)}`);
  expect(ended).toBe(lives);
  // A search that saw no races would prove nothing.
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(lives / 100);
});

type Seen = Record<"cancelled" | "killed" | "rescued" | "expired" | "finished", number>;

function act(life: Life, number: number, seen: Seen): void {
  const dice = number % 100;
  const choice = Math.floor(number / 100);
  if (dice < 20) life.claim();
  else if (dice < 75) seen.finished += Number(report(life, { attempt: life.attempt, choice }));
  else if (dice < 82) report(life, { attempt: choice % (life.attempt + 1), choice });
  else if (dice < 92) seen.rescued += Number(life.rescue({ isLast: choice % 20 === 0 }));
  else if (dice < 95) seen.killed += Number(life.kill());
  else if (dice < 97) seen.cancelled += Number(life.cancel());
  else seen.expired += Number(life.expire());
}

/** A worker's report: mostly the next step, sometimes any status at all. Says whether the task ended by it. */
function report(life: Life, { attempt, choice }: { attempt: number; choice: number }): boolean {
  const [next = "task_accept"] = allowedMoves[life.status];
  const any = statuses[Math.floor(choice / 10) % statuses.length] ?? next;
  const to: Status = choice % 10 < 7 ? next : any;
  return life.report({ attempt, to }) && isTerminal(to);
}

/** No more races: what waits is claimed, and its worker takes the first way on, at most once through every status. */
function workToTheEnd(life: Life): void {
  life.claim();
  for (let step = 0; step < statuses.length && !isTerminal(life.status); step += 1) {
    const forward = allowedMoves[life.status].find((to) => to !== life.status);
    if (forward) life.report({ attempt: life.attempt, to: forward });
  }
}
