import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eulerStep, sampleSigmas, shiftMu, type SchedulerConfig } from "./sigmas.ts";
import { goldenPath } from "./testing/golden.ts";

interface SchedulerCase {
  imageTokens: number;
  steps: number;
  useDynamicShifting: boolean;
  mu: number | null;
  sigmas: number[];
}

const golden: { cases: SchedulerCase[] } = JSON.parse(readFileSync(goldenPath("scheduler.json"), "utf8"));

const dev: SchedulerConfig = {
  useDynamicShifting: true,
  shift: 3,
  baseShift: 0.5,
  maxShift: 1.15,
  baseImageTokens: 256,
  maxImageTokens: 4096,
};

describe("sigmas equal those of diffusers", () => {
  test.each(golden.cases)("$imageTokens tokens, $steps steps, shifted: $useDynamicShifting", (one) => {
    const config = one.useDynamicShifting ? dev : { ...dev, useDynamicShifting: false, shift: 1 };
    const sigmas = sampleSigmas(config, one.steps, one.imageTokens);
    expect(sigmas.length).toBe(one.sigmas.length);
    for (const [i, sigma] of sigmas.entries()) expect(Math.abs(sigma - one.sigmas[i]!)).toBeLessThan(2e-7);
    if (one.mu !== null) expect(shiftMu(dev, one.imageTokens)).toBeCloseTo(one.mu, 12);
  });
});

test("sigmas begin at 1, fall strictly and end at 0, for every length and size", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 150 }), fc.integer({ min: 16, max: 8192 }), (steps, tokens) => {
      const sigmas = [...sampleSigmas(dev, steps, tokens)];
      return sigmas[0] === 1 && sigmas.at(-1) === 0 && sigmas.every((s, i) => i === 0 || s < sigmas[i - 1]!);
    }),
  );
});

test("an Euler step moves along the velocity by the difference of the sigmas", () => {
  const x = Float32Array.of(1, 2);
  eulerStep(x, Float32Array.of(4, -8), 0.75, 0.5);
  expect([...x]).toEqual([0, 4]);
});

test("Euler steps along the exact velocity of a straight path arrive at its end", () => {
  const noise = [0.3, -1.2, 2];
  const picture = [1, 0.5, -0.25];
  const x = Float32Array.from(noise);
  const velocity = Float32Array.from(noise, (value, i) => value - picture[i]!);
  const sigmas = sampleSigmas(dev, 8, 256);
  for (let step = 0; step < 8; step++) eulerStep(x, velocity, sigmas[step]!, sigmas[step + 1]!);
  for (const [i, value] of picture.entries()) expect(x[i]).toBeCloseTo(value, 5);
});
