import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "./limits.ts";
import { openSafetensors, readTensor } from "./safetensors.ts";
import { scratch } from "./testing/golden.ts";
import { encodeSafetensors } from "./write-safetensors.ts";

const one = { dtype: "F32", shape: [2], data_offsets: [0, 8] };

/** A file from a header object (or its text) and a number of data bytes. */
function fileOf(header: unknown, dataBytes: number): Buffer {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(dataBytes)]);
}

async function openBytes(bytes: Uint8Array) {
  return scratch(async (folder) => {
    const path = join(folder, "weights.safetensors");
    await writeFile(path, bytes);
    return openSafetensors(path);
  });
}

describe("a sound file", () => {
  test("gives back the tensors that were written, in both float types", async () => {
    await scratch(async (folder) => {
      const path = join(folder, "a.safetensors");
      const values = Float32Array.of(1, -2, 0.5, 3);
      await writeFile(
        path,
        encodeSafetensors(
          [
            { name: "a", shape: [2, 2], values, dtype: "F32" },
            { name: "b", shape: [4], values, dtype: "BF16" },
          ],
          { origin: "test" },
        ),
      );
      const file = await openSafetensors(path);
      expect(file.metadata).toEqual({ origin: "test" });
      expect(file.tensors.get("a")?.shape).toEqual([2, 2]);
      expect(await readTensor(file, "a")).toEqual(values);
      expect(await readTensor(file, "b")).toEqual(values);
      await expect(readTensor(file, "c")).rejects.toMatchObject({ code: "WEIGHTS_INVALID" });
    });
  });

  test("may lie behind a link; its real path is used", async () => {
    await scratch(async (folder) => {
      await mkdir(join(folder, "real"));
      const real = join(folder, "real", "a.safetensors");
      await writeFile(real, fileOf({ a: one }, 8));
      await symlink(real, join(folder, "link.safetensors"));
      expect((await openSafetensors(join(folder, "link.safetensors"))).path).toBe(real);
    });
  });
});

test("a file that does not exist is missing, and its path is named", async () => {
  const path = "/nowhere/model.safetensors";
  await expect(openSafetensors(path)).rejects.toMatchObject({ code: "WEIGHTS_MISSING", path });
  await expect(openSafetensors(path)).rejects.toThrow(path);
});

const malformed: [string, Buffer, RegExp][] = [
  ["an empty file", Buffer.alloc(0), /too short/],
  ["a header length beyond the file", fileOf({ a: one }, 8).subarray(0, 20), /ends inside its header/],
  ["a header over the limit", Buffer.from("ffffffffffffff7f00", "hex"), /header of .* bytes; at most/],
  ["a header that is not JSON", fileOf("{not json", 0), /not JSON/],
  ["a header that is a list", fileOf([], 0), /not a JSON object/],
  ["metadata that is not text", fileOf({ __metadata__: { a: 1 } }, 0), /__metadata__/],
  ["a tensor that is no object", fileOf({ a: 1 }, 0), /not an object/],
  ["an unknown dtype", fileOf({ a: { ...one, dtype: "F31" } }, 8), /unknown dtype F31/],
  ["a dtype from the prototype", fileOf({ a: { ...one, dtype: "toString" } }, 8), /unknown dtype/],
  ["a negative size", fileOf({ a: { ...one, shape: [-2] } }, 8), /shape is not/],
  ["a fractional size", fileOf({ a: { ...one, shape: [1.5] } }, 8), /shape is not/],
  ["too many dimensions", fileOf({ a: { ...one, shape: Array(9).fill(1) } }, 8), /shape is not/],
  ["one offset", fileOf({ a: { ...one, data_offsets: [0] } }, 8), /data_offsets/],
  ["a size that contradicts the shape", fileOf({ a: { ...one, data_offsets: [0, 4] } }, 4), /need 8/],
  ["offsets in reverse", fileOf({ a: { ...one, data_offsets: [8, 0] } }, 8), /need 8/],
  ["tensors that overlap", fileOf({ a: one, b: { ...one, data_offsets: [4, 12] } }, 12), /overlaps/],
  ["a gap between tensors", fileOf({ a: one, b: { ...one, data_offsets: [12, 20] } }, 20), /gap/],
  ["data that is cut off", fileOf({ a: one }, 7), /truncated/],
  ["data that no tensor owns", fileOf({ a: one }, 9), /no tensor owns/],
];

describe("a malformed file is refused with what is wrong", () => {
  test.each(malformed)("%s", async (_, bytes, message) => {
    await expect(openBytes(bytes)).rejects.toMatchObject({ code: "WEIGHTS_INVALID" });
    await expect(openBytes(bytes)).rejects.toThrow(message);
  });

  test("more tensors than the limit", async () => {
    const empty = { dtype: "F32", shape: [0], data_offsets: [0, 0] };
    const names = Array.from({ length: limits.safetensorsTensors + 1 }, (_, i) => [`t${i}`, empty]);
    await expect(openBytes(fileOf(Object.fromEntries(names), 0))).rejects.toThrow(/tensors; at most/);
  });

  test("a folder in place of a file", async () => {
    await expect(scratch((folder) => openSafetensors(folder))).rejects.toMatchObject({ code: "WEIGHTS_INVALID" });
  });
});

test("a sound file cut anywhere is refused", async () => {
  const values = Float32Array.of(1, 2, 3);
  const whole = encodeSafetensors([{ name: "a", shape: [3], values, dtype: "F32" }]);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (length) => {
      await expect(openBytes(whole.subarray(0, length))).rejects.toMatchObject({ code: "WEIGHTS_INVALID" });
    }),
    { numRuns: 40 },
  );
});

test("arbitrary bytes are refused, never crash and never open", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 9, maxLength: 64 }), async (bytes) => {
      await expect(openBytes(bytes)).rejects.toMatchObject({ code: "WEIGHTS_INVALID" });
    }),
    { numRuns: 50 },
  );
});
