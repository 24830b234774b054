import fc from "fast-check";
import { expect, test } from "vitest";
import { LineDecoder } from "./engine-pipe.ts";

test("lines are the same however the bytes are cut into chunks", () => {
  const line = fc.string({ unit: "grapheme", maxLength: 20 }).filter((text) => !text.includes("\n"));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.integer({ min: 1, max: 7 }), (lines, chunkBytes) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(""));
      const decoder = new LineDecoder(1_000);
      const out: string[] = [];
      for (let at = 0; at < bytes.length; at += chunkBytes) out.push(...decoder.push(bytes.subarray(at, at + chunkBytes)));
      expect(out).toEqual(Buffer.from(lines.join("\n")).toString().split("\n").slice(0, lines.length));
    }),
  );
});

test("a line over the limit stops the reading, finished or not, and lines before it count", () => {
  const unfinished = new LineDecoder(4);
  expect(unfinished.push(Buffer.from("ab\ncdefg"))).toEqual(["ab"]);
  expect(unfinished.isOverLimit).toBe(true);
  expect(unfinished.push(Buffer.from("\nok\n"))).toEqual([]);
  const finished = new LineDecoder(4);
  expect(finished.push(Buffer.from("abcde\nok\n"))).toEqual([]);
  expect(finished.isOverLimit).toBe(true);
});

test("a line exactly at the limit passes", () => {
  const decoder = new LineDecoder(4);
  expect(decoder.push(Buffer.from("abcd\n"))).toEqual(["abcd"]);
  expect(decoder.isOverLimit).toBe(false);
});
