// The tools of tasks: run, wait, look, list, price, cancel, kill.

import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import { actionAnswer, priceAnswer, taskAnswer, taskListAnswer } from "./answer-schemas.ts";
import type { TaskAnswer } from "./answer-schemas.ts";
import { ApiFailure, taskReplySchema, taskSchema } from "./api.ts";
import type { Api, Task } from "./api.ts";
import { partsOf } from "./model-tools.ts";
import { amount, nextStart, withoutAbsent } from "./plain-values.ts";
import { hasEnded, outputsOf, referenceOf, stateOf, taskAnswerOf, waitFor } from "./task-answers.ts";
import { readOnly, tool } from "./tool.ts";
import type { ToolContext } from "./tool.ts";

/** Which task; both names of it are read. */
const reference = {
  tasktoken: z.string().optional().describe("The task's token, as run_model gives it."),
  taskid: z.string().optional().describe("The task's id, in place of the token."),
};
type Reference = { tasktoken?: string | undefined; taskid?: string | undefined };

/** The default is below the minute after which many clients give up. */
const timeout = z.number().int().min(10).max(600).default(45).describe("Longest wait in seconds; the task goes on after it.");

const changes = { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false };

export const runModel = tool({
  name: "run_model",
  title: "Run a model",
  description: "Runs a model and waits for its task. One that takes longer goes on; wait_for_task waits for it.",
  input: z.object({
    model: z.string().describe("owner/model, as search_models gives it."),
    params: z.record(z.string(), z.unknown()).default({}).describe("The model's parameters, see get_model_schema."),
    wait: z.boolean().default(true).describe("False: answer as soon as the task is stored."),
    timeout_seconds: timeout,
  }),
  answer: taskAnswer,
  hints: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  work: async (call, { model, params, wait, timeout_seconds }) => {
    const { owner, name } = partsOf(model);
    const path = `/v1/Run/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
    const started = z.object({ taskid: z.string(), socketaccesstoken: z.string() });
    const { taskid: id, socketaccesstoken: token } = await call.api.post(path, params, started);
    if (wait) {
      // The task exists from here on: whatever the wait meets, its caller learns which one it is.
      const ended = await waitForEnd(call, { tasktoken: token }, timeout_seconds).catch(() => undefined);
      if (ended) return ended;
    }
    return { state: "submitted" as const, task: { id, token, model }, outputs: [], nextAction: waitFor(token) };
  },
});

export const waitForTask = tool({
  name: "wait_for_task",
  title: "Wait for a task",
  description: "Waits for a task that run_model has started; never starts another.",
  input: z.object({ ...reference, timeout_seconds: timeout }),
  answer: taskAnswer,
  hints: readOnly,
  work: (call, { timeout_seconds, ...task }) => waitForEnd(call, task, timeout_seconds),
});

export const getTask = tool({
  name: "get_task",
  title: "Look at a task",
  description: "State, outputs, duration and cost of a task, as they are now.",
  input: z.object(reference),
  answer: taskAnswer,
  hints: readOnly,
  work: async ({ api }, task) => taskAnswerOf(await findTask(api, task)),
});

export const listTasks = tool({
  name: "list_tasks",
  title: "List tasks",
  description: "The tasks of the project whose key is used, newest first.",
  input: z.object({
    model: z.string().optional().describe("Only tasks of models with this name or part of a name."),
    start: z.number().int().min(0).default(0).describe("How many to skip."),
    limit: z.number().int().min(1).max(100).default(20).describe("How many to return."),
  }),
  answer: taskListAnswer,
  hints: readOnly,
  work: async ({ api }, { model, start, limit }) => {
    const reply = z.object({ total: z.coerce.number().int(), tasklist: z.array(taskSchema) });
    const body = withoutAbsent({ modelName: model, start: String(start), limit: String(limit), order: "DESC" });
    const { total, tasklist } = await api.post("/v1/Task/List", body, reply);
    const tasks = tasklist.map((task) => ({ state: stateOf(task), task: referenceOf(task), outputs: outputsOf(task) }));
    return { tasks, total, start, limit, nextStart: nextStart(start, tasks.length, total) };
  },
});

export const getTaskPrice = tool({
  name: "get_task_price",
  title: "Price of a task",
  description: "What a task has cost. Only a task that succeeded costs anything.",
  input: z.object(reference),
  answer: priceAnswer,
  hints: readOnly,
  work: async ({ api }, given) => {
    const task = await findTask(api, given);
    const common = { state: stateOf(task), task: referenceOf(task) };
    if (!hasEnded(task)) return { ...common, billed: null, costUsd: null, nextAction: waitFor(task.socketaccesstoken) };
    const costUsd = amount(task.totalcost) ?? 0;
    return { ...common, billed: costUsd > 0, costUsd };
  },
});

export const cancelTask = actionTool("cancel", {
  title: "Cancel a task",
  description: "Ends a task that still waits in the queue. For one that runs: kill_task.",
});

export const killTask = actionTool("kill", {
  title: "Kill a task",
  description: "Ends a task that a worker has begun. For one that still waits: cancel_task.",
});

function actionTool(action: "cancel" | "kill", told: { title: string; description: string }) {
  return tool({
    name: `${action}_task`,
    ...told,
    input: z.object(reference),
    answer: actionAnswer,
    hints: changes,
    work: async ({ api }, given) => {
      const path = action === "cancel" ? "/v1/Task/Cancel" : "/v1/Task/Kill";
      const [{ id, socketaccesstoken: token, status }] = (await api.post(path, named(given), taskReplySchema)).tasklist;
      return { action, success: true, task: { id, token }, message: `The task is ${status}.` };
    },
  });
}

/** Throws ApiFailure when neither name is given. */
function named({ tasktoken, taskid }: Reference): object {
  if (tasktoken) return { tasktoken };
  if (taskid) return { taskid };
  throw new ApiFailure("Give tasktoken or taskid.");
}

async function findTask(api: Api, task: Reference): Promise<Task> {
  return (await api.post("/v1/Task/Detail", named(task), taskReplySchema)).tasklist[0];
}

/** Asks as often as the contract's client does: every 2 s, after 15 s every 5 s, after a minute every 10 s. A task that has not
 *  ended in time is answered as it is. */
async function waitForEnd({ api, signal }: ToolContext, given: Reference, seconds: number): Promise<TaskAnswer> {
  const began = performance.now();
  for (;;) {
    const task = await findTask(api, given);
    const elapsed = (performance.now() - began) / 1000;
    if (hasEnded(task) || elapsed >= seconds) return taskAnswerOf(task);
    const pause = elapsed < 15 ? 2 : elapsed < 60 ? 5 : 10;
    const wait = Math.min(pause, seconds - elapsed) * 1000;
    await sleep(wait, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return taskAnswerOf(task);
  }
}
