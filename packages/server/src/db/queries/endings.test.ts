// Kill and Cancel in every status there is.

import { leasedStatuses, statuses } from "@atelier/schema/status";
import { afterAll, beforeAll, expect, it } from "vitest";

import { createTestDatabase } from "../test-database.ts";
import type { TestDatabase } from "../test-database.ts";
import { insertProject, insertTask } from "../test-task.ts";
import { cancelWaitingTask, killLeasedTask } from "./endings.ts";

let test: TestDatabase;
let projectId: string;
beforeAll(async () => {
  test = await createTestDatabase();
  projectId = await insertProject(test.db);
});
afterAll(() => test.drop());

async function taskIn(status: string): Promise<string> {
  const words = { token: `in ${status} ${Math.random()}`, model: "a/b", modelId: "1", callbackUrl: "", cps: "0", outputFolderId: "f" };
  const id = await insertTask(test.db, { projectId, parameters: {}, input: {}, ...words });
  await test.db.query("update tasks set status = $2, worker_id = 'w', accepted_at = now() where id = $1", [id, status]);
  return id;
}

const statusOf = async (id: string): Promise<unknown> => (await test.db.query("select status from tasks where id = $1", [id])).rows[0];

it.each(statuses)("in %s Kill works while a worker holds the task, Cancel while it waits, and neither at any other time", async (status) => {
  const [killed, cancelled] = [await taskIn(status), await taskIn(status)];
  expect(await killLeasedTask(test.db, killed)).toBe(leasedStatuses.includes(status));
  expect(await cancelWaitingTask(test.db, cancelled)).toBe(status === "task_queue");
  for (const [id, isEnded] of [[killed, leasedStatuses.includes(status)], [cancelled, status === "task_queue"]] as const) {
    expect(await statusOf(id)).toEqual({ status: isEnded ? "task_cancel" : status });
  }
});
