import { expect, it } from "vitest";

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { AwayNotice } from "./away-notice.ts";

function noted() {
  const lines: [string, Record<string, unknown>][] = [];
  const write = (fields: Record<string, unknown>, event: string): void => void lines.push([event, fields]);
  // The notice calls these two alone.
  const log = { warn: write, info: write } as unknown as Log;
  let nowMs = 0;
  const notice = new AwayNotice(log, () => nowMs);
  return { lines, notice, pass: (ms: number) => (nowMs += ms) };
}

const away = () => new AtelierError("SERVER_UNAVAILABLE", {}, { cause: new Error("connect ECONNREFUSED 127.0.0.1:8080") });

it("tells once that the source is away and why, and once that it is back", () => {
  const { lines, notice, pass } = noted();
  notice.answered();
  for (let count = 0; count < 20; count += 1) {
    notice.failed(away(), "worker.claim_failed");
    pass(1_000);
  }
  notice.answered();
  notice.answered();
  expect(lines).toEqual([
    ["worker.server_away", { reason: "connect ECONNREFUSED 127.0.0.1:8080", awaySeconds: 0 }],
    ["worker.server_back", { awaySeconds: 20 }],
  ]);
});

it("reminds ever more seldom, and begins anew the next time", () => {
  const { lines, notice, pass } = noted();
  const secondsUntil = (endMs: number): number[] => {
    lines.length = 0;
    for (let ms = 0; ms < endMs; ms += 1_000) {
      notice.failed(away(), "worker.claim_failed");
      pass(1_000);
    }
    return lines.map(([, fields]) => Number(fields["awaySeconds"]));
  };
  const first = limits.awayReminderMs / 1_000;
  expect(secondsUntil(8 * limits.awayReminderMs)).toEqual([0, first, 3 * first, 7 * first]);
  notice.answered();
  expect(secondsUntil(2 * limits.awayReminderMs)).toEqual([0, first]);
  notice.answered();
  secondsUntil(20 * limits.awayReminderMaxMs);
  const gaps = lines.slice(1).map(([, fields], at) => Number(fields["awaySeconds"]) - Number(lines[at]?.[1]["awaySeconds"]));
  expect(Math.max(...gaps)).toBe(limits.awayReminderMaxMs / 1_000);
});

it("logs every other failure as it is", () => {
  const { lines, notice } = noted();
  const error = new Error("a fault");
  for (let count = 0; count < 2; count += 1) notice.failed(error, "worker.claim_failed");
  expect(lines).toEqual(Array(2).fill(["worker.claim_failed", { err: error }]));
});
