// POST /v1/Task/InputOutputDelete: deletes the files of an ended task (docs/wire-contract.md, "Task/InputOutputDelete").

import { AtelierError } from "../../errors.ts";
import { deleteFiles } from "../../tasks/delete-files.ts";
import type { TaskReference } from "../../db/task.ts";
import type { Fields } from "../body.ts";
import { taskReference } from "../task-reference.ts";
import type { WireRoute } from "../wire-route.ts";

/** Throws TASK_ID_MISSING, TASK_NOT_EXIST or TASK_FILES_IN_USE. */
export const inputOutputDelete: WireRoute = async (context, { caller, fields }) => {
  await deleteFiles(context, referenceIn(fields, caller.id));
  return {};
};

/** Two tokens that differ name no task; this endpoint has its own words for that. */
function referenceIn(fields: Fields, projectId: string): TaskReference {
  try {
    return taskReference(fields, projectId);
  } catch (error) {
    if (error instanceof AtelierError && error.code === "TASK_NOT_FOUND") {
      throw new AtelierError("TASK_NOT_EXIST", {}, { cause: error });
    }
    throw error;
  }
}
