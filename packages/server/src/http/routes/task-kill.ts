// POST /v1/Task/Kill: ends a task that a worker holds (docs/wire-contract.md, "Task/Cancel and Task/Kill").

import { wireTaskSchema } from "@atelier/schema/wire-task-schema";
import { z } from "zod";

import { killTask } from "../../tasks/kill-task.ts";
import { showTask } from "../show-task.ts";
import { taskReference, taskReferenceFields } from "../task-reference.ts";
import { wireRoute } from "../wire-route.ts";

export const taskKill = wireRoute({
  url: "/v1/Task/Kill",
  id: "taskKill",
  summary: "Kill a task that is being worked on",
  tag: "Tasks",
  body: z.object(taskReferenceFields),
  reply: { tasklist: z.array(wireTaskSchema).length(1) },
  failures: ["TASK_ID_MISSING", "TASK_NOT_FOUND", "TASK_NOT_KILLABLE"],
  answer: async (context, { caller, body }) => {
    const task = await killTask(context, taskReference(body, caller.id));
    return { tasklist: [showTask(context, task)] };
  },
});
