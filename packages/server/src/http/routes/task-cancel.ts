// POST /v1/Task/Cancel: ends a task that still waits (docs/wire-contract.md, "Task/Cancel and Task/Kill").

import { cancelTask } from "../../tasks/cancel-task.ts";
import { showTask } from "../show-task.ts";
import { taskReference } from "../task-reference.ts";
import type { WireRoute } from "../wire-route.ts";

/** Throws TASK_ID_MISSING, TASK_NOT_FOUND or TASK_NOT_CANCELLABLE. */
export const taskCancel: WireRoute = async (context, { caller, fields }) => {
  const task = await cancelTask(context, taskReference(fields, caller.id));
  return { tasklist: [showTask(context, task)] };
};
