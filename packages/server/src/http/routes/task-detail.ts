// POST /v1/Task/Detail: shows one task (docs/wire-contract.md, "Task/Detail").

import { setTimeout as delay } from "node:timers/promises";

import { lenientField } from "@atelier/schema/lenient-field";
import { wireShownTaskSchema } from "@atelier/schema/wire-task-schema";
import { wireQueuePlace } from "@atelier/schema/wire-queue-place";
import type { WireQueuePlace } from "@atelier/schema/wire-queue-place";
import { z } from "zod";

import { selectProgress } from "../../db/queries/progress.ts";
import type { Task } from "../../db/task.ts";
import { AtelierError } from "../../errors.ts";
import { findTask } from "../../tasks/find-task.ts";
import { limits } from "../../limits.ts";
import type { RouteContext } from "../http-deps.ts";
import { showTask } from "../show-task.ts";
import { taskReference, taskReferenceFields } from "../task-reference.ts";
import { wireRoute } from "../wire-route.ts";

const progressForm = { type: "boolean", description: "Atelier's own: the task then also tells how far it is." };

/** Another project's task is not found. */
export const taskDetail = wireRoute({
  url: "/v1/Task/Detail",
  id: "taskDetail",
  summary: "Show one task",
  tag: "Tasks",
  body: z.object({ ...taskReferenceFields, progress: lenientField(progressForm, (value) => value === true) }),
  reply: { total: z.string().regex(/^1$/), tasklist: z.array(wireShownTaskSchema).length(1) },
  failures: ["TASK_ID_MISSING", "TASK_NOT_FOUND"],
  answer: async (context, { caller, body }) => {
    const task = await findTask(context, taskReference(body, caller.id));
    if (!task) throw new AtelierError("TASK_NOT_FOUND");
    const shown = { ...showTask(context, task), ...(await queuePlace(context, task)) };
    if (!body.progress) return { total: "1", tasklist: [shown] };
    return { total: "1", tasklist: [{ ...shown, progress: (await selectProgress(context.db, task.id)) ?? null }] };
  },
});

/** Only of a task that waits; the others say how good the estimates were. A look at the queue that fails or is slow costs the task
 *  its place in the answer, not the answer. */
async function queuePlace({ starts, log }: RouteContext, task: Task): Promise<WireQueuePlace | undefined> {
  if (task.status !== "task_queue") {
    starts?.learnFrom(task);
    return undefined;
  }
  const timer = new AbortController();
  const tooLate = delay(limits.queuePlaceMs, undefined, { signal: timer.signal }).catch(() => undefined);
  const asked = starts?.of(task).catch((error: unknown) => void log.warn({ err: error, taskId: task.id }, "task.place_unknown"));
  const place = await Promise.race([asked, tooLate]);
  timer.abort();
  return place && wireQueuePlace(place);
}
