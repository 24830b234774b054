import { expect, it } from "vitest";

import { isInterruption, unlessAborted } from "./interruption.ts";

it("work that ends before a signal gives its result, or its own failure", async () => {
  const { signal } = new AbortController();
  expect(await unlessAborted(signal, async () => 7)).toBe(7);
  await expect(unlessAborted(signal, () => Promise.reject(new Error("own")))).rejects.toThrow("own");
});

it("a signal ends the wait for work that does not end, and begins none", async () => {
  const stop = new AbortController();
  const waiting = unlessAborted(stop.signal, () => new Promise<never>(() => undefined));
  stop.abort(new Error("SIGINT"));
  await expect(waiting).rejects.toBe(stop.signal.reason);
  let began = false;
  const late = unlessAborted(stop.signal, async () => {
    began = true;
  });
  await expect(late).rejects.toBe(stop.signal.reason);
  expect(began).toBe(false);
});

it("only the signal's own failure is an interruption", () => {
  const stop = new AbortController();
  const aborted = new DOMException("aborted", "AbortError");
  expect(isInterruption(aborted, stop.signal)).toBe(false);
  stop.abort(new Error("SIGINT"));
  expect(isInterruption(aborted, stop.signal)).toBe(true);
  expect(isInterruption(stop.signal.reason, stop.signal)).toBe(true);
  expect(isInterruption(new Error("the disk is full"), stop.signal)).toBe(false);
});
