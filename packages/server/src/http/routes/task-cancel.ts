// POST /v1/Task/Cancel: ends a task that still waits (docs/wire-contract.md, "Task/Cancel and Task/Kill").

import { wireTaskSchema } from "@atelier/schema/wire-task-schema";
import { z } from "zod";

import { cancelTask } from "../../tasks/cancel-task.ts";
import { showTask } from "../show-task.ts";
import { taskReference, taskReferenceFields } from "../task-reference.ts";
import { wireRoute } from "../wire-route.ts";

export const taskCancel = wireRoute({
  url: "/v1/Task/Cancel",
  id: "taskCancel",
  summary: "Cancel a task that still waits",
  tag: "Tasks",
  body: z.object(taskReferenceFields),
  reply: { tasklist: z.array(wireTaskSchema).length(1) },
  failures: ["TASK_ID_MISSING", "TASK_NOT_FOUND", "TASK_NOT_CANCELLABLE"],
  answer: async (context, { caller, body }) => {
    const task = await cancelTask(context, taskReference(body, caller.id));
    return { tasklist: [showTask(context, task)] };
  },
});
