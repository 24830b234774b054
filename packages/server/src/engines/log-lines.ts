// Lines that a program writes, each of bounded length: a program that never ends its line must not fill the memory.

import type { Readable } from "node:stream";

import { limits } from "../limits.ts";

/** Calls `onLine` for each line; the last needs no end. Of a longer one comes the beginning, one character longer than the
 *  longest, which tells that there was more. */
export function readLogLines(stream: Readable, onLine: (line: string) => void, mostCharacters: number = limits.logReadCharacters): void {
  let line = "";
  const add = (text: string): void => {
    line += text.slice(0, mostCharacters + 1 - line.length);
  };
  const end = (): void => {
    onLine(line.replace(/\r$/, ""));
    line = "";
  };
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    const [first = "", ...rest] = chunk.split("\n");
    add(first);
    for (const next of rest) {
      end();
      add(next);
    }
  });
  stream.on("end", () => line !== "" && end());
}
