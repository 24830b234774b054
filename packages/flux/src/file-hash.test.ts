import { createHash } from "node:crypto";
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FileHasher } from "./file-hash.ts";
import { scratch } from "./testing/golden.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("the hash is that of the bytes, and follows a change of the file", async () => {
  await scratch(async (folder) => {
    const path = join(folder, "a.bin");
    const hasher = new FileHasher();
    const bytes = Buffer.alloc(3 * 1024 * 1024 + 7, "atelier");
    await writeFile(path, bytes);
    expect(await hasher.sha256(path)).toBe(sha256(bytes));
    await writeFile(path, bytes.fill(1));
    await utimes(path, 1, 1);
    expect(await hasher.sha256(path)).toBe(sha256(bytes));
  });
});

test("a file that is not there is missing", async () => {
  await expect(new FileHasher().sha256("/nowhere/a")).rejects.toMatchObject({ code: "WEIGHTS_MISSING" });
});
