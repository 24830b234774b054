// Creates the durable record of a run.

import { cleanModelName } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";

import { insertTask } from "../db/queries/tasks.ts";
import type { Queryable } from "../db/queryable.ts";
import { drawHexId, drawToken } from "../secret-text.ts";

export interface RunRequest {
  readonly projectId: string;
  readonly model: Manifest;
  /** The request as it came, echoed on the wire. */
  readonly parameters: Record<string, unknown>;
  /** The validated input. */
  readonly input: Record<string, unknown>;
  /** Uploads that the input names. */
  readonly fileIds?: readonly string[];
  readonly callbackUrl: string;
}

/** Writes a waiting task. When it returns, the task is on disk and survives any crash. */
export async function createTask(
  deps: { db: Queryable },
  request: RunRequest,
): Promise<{ id: string; token: string }> {
  const token = drawToken();
  const id = await insertTask(deps.db, {
    projectId: request.projectId,
    token,
    model: cleanModelName(request.model),
    modelId: request.model.id,
    parameters: request.parameters,
    input: request.input,
    ...(request.fileIds && { fileIds: request.fileIds }),
    callbackUrl: request.callbackUrl,
    cps: request.model.cps,
    outputFolderId: drawHexId(),
  });
  return { id, token };
}
