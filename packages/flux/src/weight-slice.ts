// Puts tensors of a safetensors file, or whole rows of them, into a graph as float32 values without copying them:
// the graph holds offset and length, ONNX Runtime maps the file and folds the conversion when the session opens.

import { fileError } from "./errors.ts";
import type { OnnxGraph, Value } from "./onnx-graph.ts";
import { requireTensor, type SafetensorsFile, type TensorEntry } from "./safetensors.ts";

/** Rows `start` to `start + count` of a tensor's first dimension. */
export interface RowRange {
  readonly start: number;
  readonly count: number;
}

/** A whole tensor as float32. Throws WEIGHTS_INVALID when it is absent, of another shape or not a float type.
 *  `shape`: what it must be; -1 accepts any size. */
export function weight(graph: OnnxGraph, file: SafetensorsFile, name: string, shape: readonly number[]): Value {
  return asFloat32(graph, file, requireShape(file, name, shape));
}

/** Some rows of a tensor as float32; a contiguous part of the file. */
export function weightRows(graph: OnnxGraph, file: SafetensorsFile, name: string, rows: RowRange): Value {
  const entry = requireTensor(file, name);
  const total = entry.shape[0] ?? 0;
  if (rows.start + rows.count > total) {
    throw fileError("WEIGHTS_INVALID", file.path, `tensor "${name}" has ${total} rows, ${rows.start + rows.count} needed`);
  }
  const rowBytes = entry.sizeBytes / total;
  return asFloat32(graph, file, {
    ...entry,
    shape: [rows.count, ...entry.shape.slice(1)],
    offsetBytes: entry.offsetBytes + rows.start * rowBytes,
    sizeBytes: rows.count * rowBytes,
  });
}

/** The tensor in the file's own type, for operators that convert afterwards (embedding tables). */
export function rawWeight(graph: OnnxGraph, file: SafetensorsFile, name: string, shape: readonly number[]): Value {
  const entry = requireShape(file, name, shape);
  checkFloatType(file, entry);
  return graph.external({ ...entry, path: file.path });
}

/** The entry of a tensor whose shape is checked; -1 accepts any size. Throws WEIGHTS_INVALID. */
export function requireShape(file: SafetensorsFile, name: string, shape: readonly number[]): TensorEntry {
  const entry = requireTensor(file, name);
  const fits = entry.shape.length === shape.length && shape.every((size, i) => size === -1 || size === entry.shape[i]);
  if (!fits) {
    throw fileError("WEIGHTS_INVALID", file.path, `tensor "${name}" is [${entry.shape}], expected [${shape}]`);
  }
  return entry;
}

function asFloat32(graph: OnnxGraph, file: SafetensorsFile, entry: TensorEntry): Value {
  checkFloatType(file, entry);
  const value = graph.external({ ...entry, path: file.path });
  return entry.dtype === "F32" ? value : graph.node("Cast", [value], { to: 1 });
}

function checkFloatType(file: SafetensorsFile, entry: TensorEntry): void {
  if (["F32", "F16", "BF16"].includes(entry.dtype)) return;
  const what = `tensor "${entry.name}" is ${entry.dtype}; F32, F16 and BF16 can be run`;
  throw fileError("MODEL_UNSUPPORTED", file.path, what);
}
