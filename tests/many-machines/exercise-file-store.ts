// What every file store must do, run against each of them: the disk in `npm test`, a real S3 server in its lane.

import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { FileStore, StoredFile } from "../../packages/server/src/files/file-store.ts";

/** `setup`: a store with nothing of this test in it. `large`: bytes of a file that the store moves in several pieces. */
export function exerciseFileStore(name: string, setup: () => Promise<FileStore>, large: { bytes: number }): void {
  describe(`the file store ${name}`, () => {
    let folder: string;
    let source: string;
    let files: FileStore;
    let prefix: string;

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), "atelier-source-"));
      source = join(folder, "source");
      await writeFile(source, "0123456789");
      files = await setup();
      prefix = randomBytes(8).toString("hex");
    });
    afterEach(() => rm(folder, { recursive: true, force: true }));

    const key = (file = "0.png"): string => `${prefix}/${file}`;
    const read = async (fileKey: string, range?: { start: number; end: number }) => {
      const opened = await files.open(fileKey, range);
      return opened && { sizeBytes: opened.sizeBytes, text: await text(opened.stream) };
    };
    const listed = async (): Promise<StoredFile[]> => {
      const found: StoredFile[] = [];
      for await (const page of files.list()) found.push(...page.filter((file) => file.key.startsWith(prefix)));
      return found.toSorted((one, other) => (one.key < other.key ? -1 : 1));
    };

    it("opens what was put, whole and in part", async () => {
      expect(await files.put(key(), source)).toEqual({ sizeBytes: 10 });
      expect(await read(key())).toEqual({ sizeBytes: 10, text: "0123456789" });
      expect(await read(key(), { start: 2, end: 4 })).toEqual({ sizeBytes: 10, text: "234" });
      expect(await read(key(), { start: 8, end: 99 })).toEqual({ sizeBytes: 10, text: "89" });
      expect(await read(key(), { start: 10, end: 12 })).toEqual({ sizeBytes: 10, text: "" });
    });

    it("replaces a file whole", async () => {
      await files.put(key(), source);
      await files.put(key(), Readable.from([Buffer.from("new")]));
      expect(await read(key())).toEqual({ sizeBytes: 3, text: "new" });
    });

    it("keeps an empty file", async () => {
      expect(await files.put(key(), Readable.from([]))).toEqual({ sizeBytes: 0 });
      expect(await read(key())).toEqual({ sizeBytes: 0, text: "" });
    });

    it("moves a large file piece by piece, without losing a byte", async () => {
      const bytes = randomBytes(large.bytes);
      await writeFile(source, bytes);
      expect(await files.put(key(), source)).toEqual({ sizeBytes: large.bytes });
      const opened = await files.open(key());
      const digest = (data: Buffer): string => createHash("sha256").update(data).digest("hex");
      expect(opened && digest(await buffer(opened.stream))).toBe(digest(bytes));
      const middle = await files.open(key(), { start: large.bytes - 5, end: large.bytes - 2 });
      expect(middle && (await buffer(middle.stream))).toEqual(bytes.subarray(large.bytes - 5, large.bytes - 1));
      await files.remove(key());
      expect(await listed()).toEqual([]);
    });

    it("keeps nothing of a put whose source breaks, and what was there before stays", async () => {
      await expect(files.put(key("missing.png"), `${source}-missing`)).rejects.toThrow("ENOENT");
      expect(await files.open(key("missing.png"))).toBeUndefined();
      await files.put(key(), source);
      await expect(files.put(key(), breaking(large.bytes))).rejects.toThrow("the source broke");
      expect(await read(key())).toEqual({ sizeBytes: 10, text: "0123456789" });
      expect((await listed()).map((file) => file.key)).toEqual([key()]);
      // A time in the future: also what was begun just now would be removed.
      expect(await files.removeUnfinished(new Date(Date.now() + 3_600_000))).toBe(0);
    });

    it("opens nothing for an unknown key, and removing one is no error", async () => {
      expect(await files.open(key())).toBeUndefined();
      expect(await files.open(key(), { start: 0, end: 1 })).toBeUndefined();
      await files.remove(key());
      await files.put(key(), source);
      await files.remove(key());
      expect(await files.open(key())).toBeUndefined();
    });

    it("lists every file with its size and time", async () => {
      const before = Date.now();
      for (const name of ["0.png", "1.png"]) await files.put(key(name), source);
      const found = await listed();
      expect(found.map(({ key: found, sizeBytes }) => [found, sizeBytes])).toEqual([[key("0.png"), 10], [key("1.png"), 10]]);
      // S3 tells times in whole seconds.
      for (const { storedAt } of found) expect(Math.abs(storedAt.getTime() - before)).toBeLessThan(60_000);
    });

    it("refuses a key that leaves its place", async () => {
      for (const bad of ["../x", "a/../../x", "/etc/passwd", "a//b", ".hidden/x", "a/b/c/d/e", "a\0b", "", "a?acl", "a b"]) {
        await expect(files.put(bad, source)).rejects.toThrow("not a file key");
        await expect(files.open(bad)).rejects.toThrow("not a file key");
        await expect(files.remove(bad)).rejects.toThrow("not a file key");
      }
    });
  });
}

/** Gives that many bytes, then fails. */
function breaking(bytes: number): Readable {
  const pieces = function* () {
    yield randomBytes(bytes);
    throw new Error("the source broke");
  };
  return Readable.from(pieces());
}
