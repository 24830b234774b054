// What the tests of callbacks share: a database with projects, tasks that end in every way, and a delivery loop.

import { randomBytes } from "node:crypto";

import { cancelWaitingTask, killLeasedTask } from "../../packages/server/src/db/queries/endings.ts";
import { claimTask, failLostTasks } from "../../packages/server/src/db/queries/leases.ts";
import { failTask, finishTask, moveTask } from "../../packages/server/src/db/queries/moves.ts";
import type { Fence } from "../../packages/server/src/db/queries/moves.ts";
import { insertTask } from "../../packages/server/src/db/test-task.ts";
import { createTestDatabase } from "../../packages/server/src/db/test-database.ts";
import type { TestDatabase } from "../../packages/server/src/db/test-database.ts";
import { openLog } from "../../packages/server/src/log.ts";
import { openOutbound } from "../../packages/server/src/outbound/outbound.ts";
import { createProject } from "../../packages/server/src/projects/create-project.ts";
import { drawHexId, drawOutputFolder, drawToken } from "../../packages/server/src/secret-text.ts";
import { startWebhooks } from "../../packages/server/src/webhooks/start-webhooks.ts";
import type { WebhookDeps, Webhooks } from "../../packages/server/src/webhooks/start-webhooks.ts";

export const endings = ["finish", "fail", "kill", "cancel", "lost"] as const;
export type Ending = (typeof endings)[number];

export interface WebhookTest {
  readonly db: TestDatabase["db"];
  readonly masterKey: Buffer;
  /** Two projects' ids. */
  readonly mine: string;
  readonly other: string;
  /** What the loops logged, one JSON object each. */
  readonly logged: Record<string, unknown>[];
  /** Creates a waiting task. */
  submit(callbackUrl: string, projectId?: string): Promise<string>;
  /** Creates a task and ends it. */
  endedTask(callbackUrl: string, how?: Ending, projectId?: string): Promise<string>;
  /** Starts a delivery loop, stopped at the end. */
  start(changes?: Partial<WebhookDeps>): Promise<Webhooks>;
  /** Lets the time of every wait and every lease pass. */
  letTimePass(): Promise<void>;
  deliveries(): Promise<DeliveryRow[]>;
  stop(): Promise<void>;
}

export interface DeliveryRow {
  id: string;
  message_id: string;
  task_id: string;
  url: string;
  status: string;
  attempt: number;
  failures: number;
  wait_seconds: number;
  leased: boolean;
}

export async function setupWebhooks(): Promise<WebhookTest> {
  const { db, drop } = await createTestDatabase();
  const masterKey = randomBytes(32);
  const mine = (await createProject({ db, masterKey }, { name: "mine", auth: "key" })).projectid;
  const other = (await createProject({ db, masterKey }, { name: "other", auth: "key" })).projectid;
  const logged: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) };
  const log = openLog({ level: "debug", pretty: false, destination });
  const loops: Webhooks[] = [];

  const submit = (callbackUrl: string, projectId = mine): Promise<string> =>
    insertTask(db, {
      projectId,
      token: drawToken(),
      model: "test/fake",
      modelId: "1",
      parameters: { prompt: "a lighthouse" },
      input: {},
      callbackUrl,
      cps: "0.000585000000",
      outputFolderId: drawHexId(),
    });
  return {
    ...{ db, masterKey, mine, other, logged, submit },
    async endedTask(callbackUrl, how = "cancel", projectId = mine) {
      const id = await submit(callbackUrl, projectId);
      await endTask(db, id, how);
      return id;
    },
    async start(changes = {}) {
      const outbound = openOutbound({ allow: ["127.0.0.1"] });
      const models = { findByName: () => undefined };
      const loop = await startWebhooks({ db, outbound, models, masterKey, publicUrl: "https://pictures.test", log, ...changes });
      loops.push(loop);
      return loop;
    },
    async letTimePass() {
      await db.query("update deliveries set next_attempt_at = now() - interval '1 s', lease_expires_at = now() - interval '1 s'");
    },
    async deliveries() {
      const { rows } = await db.query<DeliveryRow>(
        `select id, message_id, task_id, url, status, attempt, failures, lease_expires_at > now() as leased,
                extract(epoch from next_attempt_at - now())::float as wait_seconds
           from deliveries order by id`,
      );
      return rows;
    },
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
      await drop();
    },
  };
}

/** Ends a waiting task in one of the ways that a task can end. */
export async function endTask(db: TestDatabase["db"], taskId: string, how: Ending): Promise<void> {
  if (how === "cancel") return void (await cancelWaitingTask(db, taskId));
  const workerId = "w";
  const task = await claimTask(db, { workerId, models: ["test/fake"], leaseMs: 60_000 });
  if (task?.id !== taskId) throw new Error(`claimed ${task?.id} instead of ${taskId}`);
  const fence: Fence = { taskId, attempt: task.attempt, workerId };
  if (how === "kill") return void (await killLeasedTask(db, taskId));
  if (how === "fail") return void (await failTask(db, fence, { pexit: "1", debugError: "no picture", debugOutput: "" }));
  if (how === "lost") {
    await db.query("update tasks set lease_expires_at = now() - interval '1 s' where id = $1", [taskId]);
    return void (await failLostTasks(db, { lostLeases: 1, most: 10 }));
  }
  const path = ["task_assign", "task_start", "task_output_full", "task_end", "task_postprocess_start"] as const;
  for (const to of path) await moveTask(db, fence, { to });
  const output = { position: 0, name: "0.png", contentType: "image/png", sizeBytes: 5, accessKey: drawToken() };
  const fileKey = `${drawOutputFolder()}/0.png`;
  await finishTask(db, fence, { outputs: [{ id: drawHexId(), ...output, fileKey }], debugOutput: "", provenance: null });
}
