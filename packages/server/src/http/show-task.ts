// Shows a task to its project in the form of the wire.

import { wireTask } from "@atelier/schema/wire-task";
import type { WireTask } from "@atelier/schema/wire-task";

import type { Task } from "../db/task.ts";
import type { RouteContext } from "./http-deps.ts";

export function showTask(context: Pick<RouteContext, "models" | "publicUrl" | "outputDays">, task: Task): WireTask {
  return wireTask(task, {
    model: context.models.findByName(task.model),
    outputDays: context.outputDays,
    outputUrl: (fileKey) => `${context.publicUrl()}/outputs/${fileKey}`,
  });
}
