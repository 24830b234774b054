// Writes safetensors files: small models for tests, adapters made by tools.

import { writeFile } from "node:fs/promises";
import { float32ToBfloat16 } from "./half-floats.ts";

export interface TensorToWrite {
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major, length the product of `shape`. */
  readonly values: Float32Array;
  /** How it is stored; BF16 rounds to nearest even. */
  readonly dtype: "F32" | "BF16";
}

/** Writes the tensors in the order given, header padded with spaces to a multiple of 8 bytes. */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFile(path, encodeSafetensors(tensors, metadata));
}

/** The bytes of a safetensors file. */
export function encodeSafetensors(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): Buffer {
  const header: Record<string, unknown> = { __metadata__: metadata };
  const chunks: Uint8Array[] = [];
  let position = 0;
  for (const tensor of tensors) {
    const stored = tensor.dtype === "F32" ? tensor.values : float32ToBfloat16(tensor.values);
    const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    header[tensor.name] = {
      dtype: tensor.dtype,
      shape: tensor.shape,
      data_offsets: [position, position + bytes.length],
    };
    chunks.push(bytes);
    position += bytes.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, ...chunks]);
}
