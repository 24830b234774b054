// POST /v1/Task/Detail: shows one task (docs/wire-contract.md, "Task/Detail").

import { selectProgress } from "../../db/queries/progress.ts";
import { AtelierError } from "../../errors.ts";
import { findTask } from "../../tasks/find-task.ts";
import { showTask } from "../show-task.ts";
import { taskReference } from "../task-reference.ts";
import type { WireRoute } from "../wire-route.ts";

/** With `"progress": true`, which is ours and not the wire's, the task also tells how far it is.
 *  Throws TASK_ID_MISSING or TASK_NOT_FOUND; another project's task is not found. */
export const taskDetail: WireRoute = async (context, { caller, fields }) => {
  const task = await findTask(context, taskReference(fields, caller.id));
  if (!task) throw new AtelierError("TASK_NOT_FOUND");
  const shown = showTask(context, task);
  if (fields["progress"] !== true) return { total: "1", tasklist: [shown] };
  return { total: "1", tasklist: [{ ...shown, progress: (await selectProgress(context.db, task.id)) ?? null }] };
};
