// Reads safetensors files: the header with limits and clear errors, single tensors on demand. The bulk of a model's
// weights is never read here: ONNX Runtime maps it from the same file (weight-slice.ts).
// Source: the format's description in the safetensors repository (README.md, "Format").

import { open, realpath, type FileHandle } from "node:fs/promises";
import { fileError } from "./errors.ts";
import { bfloat16ToFloat32, float16ToFloat32 } from "./half-floats.ts";
import { limits } from "./limits.ts";

const dtypeBytes = {
  F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U64: 8, U32: 4, U16: 2, U8: 1, BOOL: 1,
  F8_E4M3: 1, F8_E5M2: 1,
} as const;

export type SafetensorsDtype = keyof typeof dtypeBytes;

export interface TensorEntry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Absolute place in the file. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface SafetensorsFile {
  /** Real path: links are resolved, as ONNX Runtime refuses external data behind a link. */
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

/** Opens a file and checks its whole header: every tensor lies inside the file, none overlap, no byte is left over.
 *  Throws WEIGHTS_MISSING when the file cannot be opened, WEIGHTS_INVALID when anything about it is wrong. */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  return withFile(path, async (handle, resolvedPath) => {
    const { size: sizeBytes, mtimeMs } = await handle.stat();
    const headerBytes = await readHeaderLength(handle, resolvedPath, sizeBytes);
    const text = (await readExactly(handle, 8, headerBytes, resolvedPath)).toString("utf8");
    const { entries, metadata } = parseHeader(text, resolvedPath, 8 + headerBytes);
    checkCoverage(entries, { path: resolvedPath, startBytes: 8 + headerBytes, endBytes: sizeBytes });
    const tensors = new Map(entries.map((entry) => [entry.name, entry]));
    return { path: resolvedPath, tensors, metadata, sizeBytes, mtimeMs };
  });
}

/** One tensor as float32, row-major, length the product of its shape.
 *  Throws WEIGHTS_INVALID when it is absent or not F32, F16 or BF16. */
export async function readTensor(file: SafetensorsFile, name: string): Promise<Float32Array> {
  const [values] = await readTensors(file, [name]);
  return values!; // one name, one result
}

/** Tensors that lie within this many bytes are read at once. */
const oneReadBytes = 32 * 1024 * 1024;

/** Several tensors as float32, in the order of `names`, through one open file. Errors as `readTensor`. */
export async function readTensors(file: SafetensorsFile, names: readonly string[]): Promise<Float32Array[]> {
  const entries = names.map((name) => requireTensor(file, name));
  if (entries.length === 0) return [];
  const start = Math.min(...entries.map((entry) => entry.offsetBytes));
  const end = Math.max(...entries.map((entry) => entry.offsetBytes + entry.sizeBytes));
  return withFile(file.path, async (handle) => {
    // One read for an adapter's 300 tensors: one by one they took 8 ms.
    const shared = end - start <= oneReadBytes ? await readExactly(handle, start, end - start, file.path) : undefined;
    const out: Float32Array[] = [];
    for (const entry of entries) {
      const { offsetBytes, sizeBytes } = entry;
      const bytes =
        shared?.subarray(offsetBytes - start, offsetBytes - start + sizeBytes) ??
        (await readExactly(handle, offsetBytes, sizeBytes, file.path));
      out.push(toFloat32(bytes, entry, file.path));
    }
    return out;
  });
}

/** The entry of one tensor. Throws WEIGHTS_INVALID when the file has none of that name. */
export function requireTensor(file: SafetensorsFile, name: string): TensorEntry {
  const entry = file.tensors.get(name);
  if (entry === undefined) throw fileError("WEIGHTS_INVALID", file.path, `has no tensor "${name}"`);
  return entry;
}

async function withFile<T>(path: string, use: (handle: FileHandle, resolvedPath: string) => Promise<T>): Promise<T> {
  let handle: FileHandle;
  let resolvedPath: string;
  try {
    resolvedPath = await realpath(path);
    handle = await open(resolvedPath, "r");
  } catch (cause) {
    throw fileError("WEIGHTS_MISSING", path, "cannot be opened", cause);
  }
  try {
    if (!(await handle.stat()).isFile()) throw fileError("WEIGHTS_INVALID", path, "is not a file");
    return await use(handle, resolvedPath);
  } finally {
    await handle.close();
  }
}

async function readExactly(handle: FileHandle, offset: number, length: number, path: string): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
    if (bytesRead === 0) throw fileError("WEIGHTS_INVALID", path, `ends at byte ${offset + done}, inside its data`);
    done += bytesRead;
  }
  return buffer;
}

async function readHeaderLength(handle: FileHandle, path: string, sizeBytes: number): Promise<number> {
  if (sizeBytes < 8) throw fileError("WEIGHTS_INVALID", path, `is ${sizeBytes} bytes long: too short for safetensors`);
  const length = (await readExactly(handle, 0, 8, path)).readBigUInt64LE();
  if (length > BigInt(limits.safetensorsHeaderBytes)) {
    throw fileError("WEIGHTS_INVALID", path, `header of ${length} bytes; at most ${limits.safetensorsHeaderBytes}`);
  }
  if (8n + length > BigInt(sizeBytes)) throw fileError("WEIGHTS_INVALID", path, "ends inside its header");
  return Number(length);
}

function parseHeader(text: string, path: string, dataStart: number) {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw fileError("WEIGHTS_INVALID", path, "header is not JSON", cause);
  }
  if (!isRecord(header)) throw fileError("WEIGHTS_INVALID", path, "header is not a JSON object");
  const entries: TensorEntry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") metadata = parseMetadata(value, path);
    else entries.push(parseEntry(name, value, path, dataStart));
  }
  if (entries.length > limits.safetensorsTensors) {
    throw fileError("WEIGHTS_INVALID", path, `${entries.length} tensors; at most ${limits.safetensorsTensors}`);
  }
  return { entries, metadata };
}

function parseMetadata(value: unknown, path: string): Record<string, string> {
  const isText = isRecord(value) && Object.values(value).every((item) => typeof item === "string");
  if (!isText) throw fileError("WEIGHTS_INVALID", path, "__metadata__ is not a map of texts");
  return value as Record<string, string>; // every value was just checked
}

function parseEntry(name: string, value: unknown, path: string, dataStart: number): TensorEntry {
  const wrong = (what: string) => fileError("WEIGHTS_INVALID", path, `tensor "${name.slice(0, 200)}": ${what}`);
  if (!isRecord(value)) throw wrong("entry is not an object");
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(dtypeBytes, dtype)) throw wrong(`unknown dtype ${String(dtype)}`);
  if (!isIndexList(shape) || shape.length > limits.tensorDimensions) throw wrong("shape is not a list of sizes");
  if (!isIndexList(offsets) || offsets.length !== 2) throw wrong("data_offsets is not a pair of positions");
  const [begin, end] = offsets as [number, number]; // two, as just checked
  const expected = shape.reduce((a, b) => a * b, dtypeBytes[dtype as SafetensorsDtype]); // a known key, as just checked
  if (end - begin !== expected) throw wrong(`${end - begin} bytes of data, its shape and dtype need ${expected}`);
  return { name, dtype: dtype as SafetensorsDtype, shape, offsetBytes: dataStart + begin, sizeBytes: expected };
}

function checkCoverage(entries: TensorEntry[], file: { path: string; startBytes: number; endBytes: number }): void {
  const ordered = entries.toSorted((a, b) => a.offsetBytes - b.offsetBytes || a.sizeBytes - b.sizeBytes);
  let position = file.startBytes;
  for (const entry of ordered) {
    if (entry.offsetBytes !== position) {
      throw fileError("WEIGHTS_INVALID", file.path, `tensor "${entry.name}" overlaps another or leaves a gap`);
    }
    position += entry.sizeBytes;
  }
  if (position > file.endBytes) {
    throw fileError("WEIGHTS_INVALID", file.path, `is truncated: ${file.endBytes} bytes, its header promises ${position}`);
  }
  if (position < file.endBytes) {
    throw fileError("WEIGHTS_INVALID", file.path, `has ${file.endBytes - position} bytes that no tensor owns`);
  }
}

function toFloat32(bytes: Buffer, entry: TensorEntry, path: string): Float32Array {
  // A fresh Buffer of this size may share a pool with an odd offset: copy to an aligned array.
  const aligned = new Uint8Array(bytes).buffer;
  if (entry.dtype === "F32") return new Float32Array(aligned);
  if (entry.dtype === "BF16") return bfloat16ToFloat32(new Uint16Array(aligned));
  if (entry.dtype === "F16") return float16ToFloat32(new Uint16Array(aligned));
  throw fileError("WEIGHTS_INVALID", path, `tensor "${entry.name}" is ${entry.dtype}; F32, F16 and BF16 can be read`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isIndexList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
