import { expect, test } from "vitest";

import { limits } from "./limits.ts";
import { PreviewPace } from "./preview-pace.ts";

function paceWithClock() {
  let now = 0;
  const pace = new PreviewPace(() => now);
  return { pace, pass: (ms: number) => void (now += ms) };
}

test("nothing is due before somebody looks", () => {
  const { pace, pass } = paceWithClock();
  pass(60_000);
  expect(pace.isDue()).toBe(false);
  pace.ask();
  expect(pace.isDue()).toBe(true);
});

test("quick previews keep a gap", () => {
  const { pace, pass } = paceWithClock();
  pace.ask();
  pace.isDue();
  pace.made();
  pass(limits.previewGapMs - 1);
  expect(pace.isDue()).toBe(false);
  pass(1);
  expect(pace.isDue()).toBe(true);
});

test("dear previews take a tenth of the time", () => {
  const { pace, pass } = paceWithClock();
  pace.ask();
  let spentMs = 0;
  let totalMs = 0;
  for (let step = 0; step < 1_000; step += 1) {
    if (pace.isDue()) {
      pass(500);
      spentMs += 500;
      totalMs += 500;
      pace.made();
    }
    pass(100);
    totalMs += 100;
  }
  // The first two come before there is a time to share, or one that was measured.
  expect((spentMs - 1_000) / (totalMs - 1_000)).toBeLessThanOrEqual(limits.previewShare);
  expect(spentMs / totalMs).toBeGreaterThan(limits.previewShare / 2);
});
