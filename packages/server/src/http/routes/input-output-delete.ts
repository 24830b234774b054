// POST /v1/Task/InputOutputDelete: deletes the files of an ended task (docs/wire-contract.md, "Task/InputOutputDelete").

import { z } from "zod";

import { AtelierError } from "../../errors.ts";
import { deleteFiles } from "../../tasks/delete-files.ts";
import type { TaskReference } from "../../db/task.ts";
import { taskReference, taskReferenceFields } from "../task-reference.ts";
import { wireRoute } from "../wire-route.ts";

const body = z.object(taskReferenceFields);

export const inputOutputDelete = wireRoute({
  url: "/v1/Task/InputOutputDelete",
  id: "inputOutputDelete",
  summary: "Delete the files of an ended task",
  tag: "Tasks",
  body,
  reply: {},
  failures: ["TASK_ID_MISSING", "TASK_NOT_EXIST", "TASK_FILES_IN_USE"],
  answer: async (context, request) => {
    await deleteFiles(context, referenceIn(request.body, request.caller.id));
    return {};
  },
});

/** Two tokens that differ name no task; this endpoint has its own words for that. */
function referenceIn(fields: z.output<typeof body>, projectId: string): TaskReference {
  try {
    return taskReference(fields, projectId);
  } catch (error) {
    if (error instanceof AtelierError && error.code === "TASK_NOT_FOUND") {
      throw new AtelierError("TASK_NOT_EXIST", {}, { cause: error });
    }
    throw error;
  }
}
