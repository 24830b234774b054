// Looks, before anything is stored or sent, whether the files that an engine named can be outputs at all: what no further try of the
// storing would change must not be taken for a store that is away.

import { stat } from "node:fs/promises";
import { extname } from "node:path";

import { declaredOutputSchema } from "@atelier/schema/worker-messages";

import { limits } from "../limits.ts";
import type { OutputFile } from "../tasks/task-source.ts";

const { extension: extensionSchema, contentType: contentTypeSchema } = declaredOutputSchema.shape;

/** What is wrong with the outputs, for the task's `debugerror`; undefined: nothing. Throws what the file system does. */
export async function wrongWithOutputs(outputs: readonly OutputFile[]): Promise<string | undefined> {
  const indices = new Set<number>();
  for (const output of outputs) {
    const { index } = output;
    if (index < 0 || index >= limits.outputsPerTask) return `output ${index} is beyond the limit of ${limits.outputsPerTask}`;
    if (indices.has(index)) return `output ${index} was named twice`;
    indices.add(index);
    const wrong = wrongWithName(output) ?? (await wrongWithFile(output));
    if (wrong !== undefined) return `output ${index} ${wrong}`;
  }
  return undefined;
}

function wrongWithName({ path, contentType, extension = extname(path) }: OutputFile): string | undefined {
  if (!extensionSchema.safeParse(extension).success) return `has the ending ${JSON.stringify(extension)}, which names no kind of file`;
  if (!contentTypeSchema.safeParse(contentType).success) return `has the content type ${JSON.stringify(contentType)}, which is none`;
  return undefined;
}

async function wrongWithFile({ path }: OutputFile): Promise<string | undefined> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (info?.isFile() !== true) return "was named, but there is no such file";
  return info.size > limits.outputBytes ? `has ${info.size} bytes; it may have ${limits.outputBytes} at most` : undefined;
}
