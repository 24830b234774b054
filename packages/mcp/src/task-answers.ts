// A task of the wire as the tools answer it.

import type { TaskAnswer } from "./answer-schemas.ts";
import type { Task } from "./api.ts";
import { amount, sizeOf, withoutAbsent } from "./plain-values.ts";

/** Only `pexit` tells whether a task that has ended has succeeded. */
export function stateOf({ status, pexit }: Pick<Task, "status" | "pexit">): TaskAnswer["state"] {
  if (status === "task_cancel") return "cancelled";
  if (status !== "task_postprocess_end") return status === "task_queue" ? "submitted" : "running";
  return pexit === "0" ? "completed" : "failed";
}

export function hasEnded(task: Task): boolean {
  return task.status === "task_cancel" || task.status === "task_postprocess_end";
}

export function referenceOf(task: Task): TaskAnswer["task"] {
  return withoutAbsent({
    id: task.id,
    token: task.socketaccesstoken,
    model: `${task.modelslugowner}/${task.modelslugproject}`,
    status: task.status,
    exitCode: task.pexit === "" ? undefined : task.pexit,
    durationSeconds: amount(task.elapsedseconds),
    costUsd: amount(task.totalcost),
  });
}

export function outputsOf({ outputs }: Task): TaskAnswer["outputs"] {
  return outputs.map(({ name, contenttype, size, url }) => {
    return { name, mimeType: contenttype, sizeBytes: sizeOf(size), url, kind: kindOf(contenttype) };
  });
}

export function taskAnswerOf(task: Task): TaskAnswer {
  const goesOn = !hasEnded(task) && { nextAction: waitFor(task.socketaccesstoken) };
  const state = stateOf(task);
  // A run that went well may have written to stderr.
  const error = state !== "completed" && task.debugerror !== "" && { error: task.debugerror };
  return { state, task: referenceOf(task), outputs: outputsOf(task), ...error, ...goesOn };
}

/** What a caller does with a task that has not ended: never run the model again. */
export function waitFor(tasktoken: string): NonNullable<TaskAnswer["nextAction"]> {
  return { tool: "wait_for_task", arguments: { tasktoken }, reason: "The task goes on. Wait for it; do not run the model again." };
}

function kindOf(mimeType: string): TaskAnswer["outputs"][number]["kind"] {
  const [family] = mimeType.split("/");
  return family === "image" || family === "video" || family === "audio" || family === "text" ? family : "file";
}
