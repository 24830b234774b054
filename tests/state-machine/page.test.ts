// docs/state-machine.md is the table of moves, in words and as a diagram.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import * as status from "@atelier/schema/status";
import { expect, it } from "vitest";

import { stateMachinePage } from "../../scripts/state-machine-page.mjs";

const { allowedMoves, leasedStatuses, moversOf, statuses } = status;
const page = stateMachinePage(status);

it("the committed page equals the generated one", () => {
  const committed = readFileSync(join(import.meta.dirname, "../../docs/state-machine.md"), "utf8");
  expect(committed, "run `node scripts/write-state-machine.mjs`").toBe(page);
});

it("the diagram shows every allowed move, and no other", () => {
  const arrows = [...page.matchAll(/^ +(\w+) --> (\w+): /gm)];
  const drawn = arrows.flatMap(([, from = "", to = ""]) =>
    from === "leased" ? leasedStatuses.map((leased) => `${leased} ${to}`) : [`${from} ${to}`],
  );
  const allowed = statuses.flatMap((from) => allowedMoves[from].map((to) => `${from} ${to}`));
  expect(drawn.sort()).toEqual(allowed.sort());
});

it("every allowed move has somebody who may make it, and no other move has", () => {
  const moves = statuses.flatMap((from) => statuses.map((to) => ({ from, to })));
  const without = moves.filter((move) => (moversOf(move).length > 0) !== allowedMoves[move.from].includes(move.to));
  expect(without).toEqual([]);
});
