import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";

import { expect, test } from "vitest";

import { readLogLines } from "./log-lines.ts";

async function linesOf(chunks: (string | Buffer)[], most?: number): Promise<string[]> {
  const stream = new PassThrough();
  const lines: string[] = [];
  readLogLines(stream, (line) => void lines.push(line), most);
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await finished(stream);
  return lines;
}

test("lines come whole, however they are cut into pieces, and the last without its end", async () => {
  const bytes = Buffer.from("one\r\ntwö\n\nlast");
  expect(await linesOf([bytes])).toEqual(["one", "twö", "", "last"]);
  expect(await linesOf([...bytes].map((byte) => Buffer.from([byte])))).toEqual(["one", "twö", "", "last"]);
});

test("of a line that is too long comes its beginning and one character more, and the next line is whole", async () => {
  expect(await linesOf(["steps", " 20 in", " all\nnext\n"], 7)).toEqual(["steps 20", "next"]);
  expect(await linesOf(["exactly\n", "x".repeat(100)], 7)).toEqual(["exactly", "x".repeat(8)]);
});
