// Opens ONNX Runtime sessions on graphs whose weights lie in a safetensors file.

import { dirname } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { fileError } from "./errors.ts";
import type { SafetensorsFile } from "./safetensors.ts";

export interface SessionOptions {
  /** Threads of one operator. Results do not depend on it. */
  readonly threads: number;
}

/** Opens a session on `model` (ONNX bytes) whose external data lies in `file`.
 *  Throws WEIGHTS_INVALID with ONNX Runtime's own words when it refuses the model. */
export async function openSession(
  model: Uint8Array,
  file: SafetensorsFile,
  { threads }: SessionOptions,
): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(model, {
      executionProviders: ["cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
      extra: {
        session: {
          model_external_initializers_file_folder_path: dirname(file.path),
          // Threads that spin between operators starve the server beside them.
          intra_op: { allow_spinning: "0" },
        },
      },
    });
  } catch (cause) {
    throw fileError("WEIGHTS_INVALID", file.path, `ONNX Runtime refuses it: ${String(cause)}`, cause);
  }
}
