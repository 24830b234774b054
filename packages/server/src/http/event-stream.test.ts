import { expect, it } from "vitest";

import { EventStream } from "./event-stream.ts";

/** A stream whose reader is behind. */
function fullStream(): EventStream {
  const stream = new EventStream();
  while (stream.send({ data: { text: "x".repeat(1_000) } }));
  return stream;
}

it("a reader that takes nothing between two looks is told apart from one that is slow", () => {
  const stream = fullStream();
  expect(stream.keepAlive()).toBe(false);
  expect(stream.isTaken(0)).toBe(true);
  stream.readable.read(100);
  expect(stream.isTaken(0)).toBe(true);
  expect(stream.isTaken(0)).toBe(false);
});

it("what only went from the stream into its connection is not taken", () => {
  const stream = fullStream();
  expect(stream.isTaken(0)).toBe(true);
  stream.readable.read(100);
  expect(stream.isTaken(100)).toBe(false);
  expect(stream.isTaken(40)).toBe(true);
});

it("a reader that was behind, caught up and fell behind again is not gone", () => {
  const stream = fullStream();
  stream.isTaken(0);
  stream.readable.read();
  while (stream.send({ data: { text: "y".repeat(1_000) } }));
  expect(stream.isTaken(0)).toBe(true);
});
