// The disk's own fdatasync: what a durable commit costs before anybody's code.

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

const pageBytes = 8_192;

/** Milliseconds of `count` appends of one page with fdatasync, in `folder`. */
export function measureSync(folder, count = 300) {
  const scratch = mkdtempSync(join(folder, "fdatasync-"));
  const file = openSync(join(scratch, "log"), "w");
  const page = Buffer.alloc(pageBytes, 1);
  const elapsed = [];
  for (let at = 0; at < count; at += 1) {
    const startedAt = performance.now();
    writeSync(file, page, 0, pageBytes, at * pageBytes);
    fdatasyncSync(file);
    elapsed.push(performance.now() - startedAt);
  }
  closeSync(file);
  rmSync(scratch, { recursive: true });
  return elapsed;
}
