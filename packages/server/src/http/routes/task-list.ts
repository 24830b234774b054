// POST /v1/Task/List: the project's tasks, page by page (docs/wire-contract.md, "Task/List").

import { pagingIn, textIn } from "@atelier/schema/wire-paging";

import { listTasks } from "../../tasks/list-tasks.ts";
import { showTask } from "../show-task.ts";
import type { WireRoute } from "../wire-route.ts";

/** Only the caller's own tasks, whatever the body says. */
export const taskList: WireRoute = async (context, { caller, fields }) => {
  const { total, tasks } = await listTasks(context, {
    projectId: caller.id,
    modelName: textIn(fields["modelName"]),
    ...pagingIn(fields),
  });
  return { total: String(total), tasklist: tasks.map((task) => showTask(context, task)) };
};
