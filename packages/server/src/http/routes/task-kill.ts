// POST /v1/Task/Kill: ends a task that a worker holds (docs/wire-contract.md, "Task/Cancel and Task/Kill").

import { killTask } from "../../tasks/kill-task.ts";
import { showTask } from "../show-task.ts";
import { taskReference } from "../task-reference.ts";
import type { WireRoute } from "../wire-route.ts";

/** Throws TASK_ID_MISSING, TASK_NOT_FOUND or TASK_NOT_KILLABLE. */
export const taskKill: WireRoute = async (context, { caller, fields }) => {
  const task = await killTask(context, taskReference(fields, caller.id));
  return { tasklist: [showTask(context, task)] };
};
