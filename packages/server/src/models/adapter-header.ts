// Looks at the head of a safetensors file: whether it is an adapter, and whether its shapes fit a base.

import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { limits } from "../limits.ts";
import { OperatorError } from "../operator-error.ts";

const headerSchema = z.record(z.string(), z.union([z.looseObject({ shape: z.array(z.int()) }), z.record(z.string(), z.string())]));

/** Shape of every tensor, by name. */
export type TensorShapes = ReadonlyMap<string, readonly number[]>;

/** Reads the head alone, however large the file is (format: 8 bytes of length, then JSON).
 *  Throws COMMAND_FAILED when the file is no safetensors file. */
export async function readTensorShapes(file: string): Promise<TensorShapes> {
  const handle = await open(file).catch((cause: unknown) => {
    throw refusal(`${file} cannot be opened.`, "Give the path of a file that exists.", cause);
  });
  try {
    const size = Buffer.alloc(8);
    const { bytesRead } = await handle.read(size, 0, 8, 0);
    const length = bytesRead === 8 ? size.readBigUInt64LE() : 0n;
    if (length < 2n || length > BigInt(limits.tensorHeadBytes)) throw notSafetensors(file);
    const head = Buffer.alloc(Number(length));
    await handle.read(head, 0, head.length, 8);
    const tensors = Object.entries(headerSchema.parse(JSON.parse(head.toString("utf8"))));
    return new Map(tensors.flatMap(([name, tensor]) => (Array.isArray(tensor["shape"]) ? [[name, tensor["shape"] as number[]]] : [])));
  } catch (error) {
    throw error instanceof OperatorError ? error : notSafetensors(file, error);
  } finally {
    await handle.close();
  }
}

/** Shapes of all tensors of the transformer in a base's folder; undefined where it has none that can be read. */
export async function readBaseShapes(baseFolder: string): Promise<TensorShapes | undefined> {
  const folder = join(baseFolder, "transformer");
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".safetensors"));
  if (names.length === 0) return undefined;
  const all = await Promise.all(names.map((name) => readTensorShapes(join(folder, name))));
  return new Map(all.flatMap((shapes) => [...shapes]));
}

/** Throws COMMAND_FAILED unless the file is a LoRA whose inputs are as wide as the layers of the base that it names. Layers
 *  are compared where they are named as in the base; other spellings are left to the engine, which knows them. */
export async function checkAdapter(file: string, baseFolder: string): Promise<void> {
  const adapter = await readTensorShapes(file);
  const downs = [...adapter].filter(([name]) => downName.test(name));
  if (downs.length === 0) {
    throw refusal(`${file} holds no LoRA: none of its ${adapter.size} tensors is called lora_A or lora_down.`, "Give an adapter file (LoRA).");
  }
  const base = await readBaseShapes(baseFolder);
  for (const [name, shape] of downs) {
    const layer = name.replace(/^transformer\./, "").replace(downName, ".weight");
    const expected = base?.get(layer);
    if (expected && expected[1] !== shape[1]) {
      throw refusal(`${file} does not fit the base: ${layer} takes ${expected[1]} values there and ${shape[1]} here.`, "Name the base that it was trained for with --base.");
    }
  }
}

const downName = /\.lora_(A|down)(\.default)?\.weight$/;

function notSafetensors(file: string, cause?: unknown): OperatorError {
  return refusal(`${file} is not a safetensors file.`, "Give a .safetensors file that was downloaded completely.", cause);
}

function refusal(problem: string, remedy: string, cause?: unknown): OperatorError {
  return new OperatorError("COMMAND_FAILED", { problem, remedy }, { cause });
}
