// POST /v1/Task/List: the project's tasks, page by page (docs/wire-contract.md, "Task/List").

import { ignoredField, textField } from "@atelier/schema/lenient-field";
import { pagingFields, pagingOf } from "@atelier/schema/wire-paging";
import { digitsText } from "@atelier/schema/wire-scalars";
import { wireTaskSchema } from "@atelier/schema/wire-task-schema";
import { z } from "zod";

import { listTasks } from "../../tasks/list-tasks.ts";
import { showTask } from "../show-task.ts";
import { wireRoute } from "../wire-route.ts";

/** Only the caller's own tasks, whatever the body says. */
export const taskList = wireRoute({
  url: "/v1/Task/List",
  id: "taskList",
  summary: "List the project's tasks",
  tag: "Tasks",
  body: z.object({
    ...pagingFields,
    modelName: textField("A model's name or a part of it."),
    type: ignoredField({ type: "string", description: "Accepted; every task is of the type `model`." }),
    sort: ignoredField({ type: "string", description: "Accepted; tasks are sorted by id." }),
  }),
  reply: { total: digitsText, tasklist: z.array(wireTaskSchema) },
  answer: async (context, { caller, body }) => {
    const { total, tasks } = await listTasks(context, {
      projectId: caller.id,
      modelName: body.modelName,
      ...pagingOf(body),
    });
    return { total: String(total), tasklist: tasks.map((task) => showTask(context, task)) };
  },
});
