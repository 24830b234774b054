import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { limits } from "../limits.ts";
import { EngineLog } from "./engine-log.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function logWithTold() {
  const told: string[] = [];
  return { told, log: new EngineLog((text) => void told.push(text)) };
}

test("the first line of stderr is told at once, those that follow together after a while", () => {
  const { told, log } = logWithTold();
  for (const line of ["one", "two", "three"]) log.addError(line);
  expect(told).toEqual(["one"]);
  vi.advanceTimersByTime(limits.errorReportMs);
  expect(told).toEqual(["one", "two\nthree"]);
  expect(log.errors).toBe("one\ntwo\nthree\n");
  expect(log.output).toBe("");
});

test("no line and no piece of stderr that is told ends in half an emoji", () => {
  const { told, log } = logWithTold();
  log.addError("first");
  // The first is cut after half of an emoji, and the second where the piece is full.
  for (const start of ["x", "xx"]) log.addError(`${start}${"\u{1F3A8}".repeat(limits.logLineCharacters)}`);
  log.addOutput(`x${"\u{1F3A8}".repeat(limits.logLineCharacters)}`);
  log.close();
  expect(told).toHaveLength(2);
  for (const text of [...told, log.errors, log.output]) expect(text).not.toMatch(/\p{Surrogate}/u);
});

test("what waits is told when the run ends, and nothing after that", () => {
  const { told, log } = logWithTold();
  for (const line of ["one", "two"]) log.addError(line);
  log.close();
  log.addError("late");
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual(["one", "two"]);
});

test.each([1_999, 1])("an engine that floods its stderr with lines of %i tells a bounded part of it, and a bounded part is kept", (length) => {
  const { told, log } = logWithTold();
  const line = "x".repeat(length);
  for (let at = 0; at < 10_000; at += 1) {
    log.addError(line);
    if (at % 100 === 0) vi.advanceTimersByTime(limits.errorReportMs);
  }
  expect(told).toHaveLength(limits.errorReports);
  expect(Math.max(...told.map((text) => text.length))).toBeLessThanOrEqual(limits.errorReportCharacters);
  expect(log.errors.length).toBeLessThanOrEqual(limits.debugCharacters + limits.logLineCharacters);
});

test("lines are cut, and lose their secrets and NULs", () => {
  const { told, log } = logWithTold();
  log.addError(`a\0b token=abcdefgh ${"y".repeat(5_000)}`);
  expect(told[0]).toMatch(/^a\uFFFDb token=\[hidden\] y+$/);
  expect(told[0]?.length).toBeLessThanOrEqual(limits.logLineCharacters);
});

test("a secret that the longest line would cut is hidden whole", () => {
  const { log } = logWithTold();
  const before = "z".repeat(limits.logLineCharacters - 19);
  log.addError(`${before} https://user:hunter2-and-more@host/`);
  expect(log.errors).toBe(`${before} https://[hidden]@h\n`);
});

test("of a text that is longer than what is read no half secret is left, however short it is once its secrets are hidden", () => {
  const { log } = logWithTold();
  const secrets = `x://${"a".repeat(500)}@ `;
  const text = secrets.repeat(Math.floor(limits.logReadCharacters / secrets.length));
  const half = "x://leaked:".padEnd(limits.logReadCharacters - text.length + 1, "b");
  log.addError(`${text}${half}@host`);
  expect(log.errors).toMatch(/^(x:\/\/\[hidden\]@ )+\n$/);
});
