// What must be true after the soak, beside the promises that the simulation checks as well.

import type { Database } from "../../../packages/server/src/db/database.ts";
import { openDiskStore } from "../../../packages/server/src/files/disk-store.ts";
import { brokenPromises, promiseNames } from "../../simulation/invariants.ts";
import type { Received, Receiver } from "../../webhooks/receiver.ts";
import type { Acknowledged } from "./load.ts";

interface Checked {
  readonly db: Database;
  readonly filesFolder: string;
  readonly acknowledged: readonly Acknowledged[];
  /** As in `Load`. */
  readonly unknown: ReadonlySet<string>;
  readonly receiver: Receiver;
}

type Check = (checked: Checked) => Promise<readonly string[]>;

/** Each returns what breaks it. */
const checks: Readonly<Record<string, Check>> = {
  "a Run made one task: also one that was repeated under its Idempotency-Key; one whose answer did not come, one or none": runsTwice,
  "every picture is on the disk in the size that its row says": missingBytes,
  "every callback was delivered, and says how its task ended": missingCallbacks,
};

export const checkNames: readonly string[] = [...promiseNames, ...Object.keys(checks)];

/** Descriptions of what is broken; empty when all is well. */
export async function brokenChecks(checked: Checked): Promise<string[]> {
  const broken = await brokenPromises(checked.db, checked.acknowledged.map(({ taskid }) => taskid));
  for (const [name, check] of Object.entries(checks)) {
    const found = await check(checked);
    if (found.length > 0) broken.push(`${name}: not ${found.slice(0, 5).join(", ")}`);
  }
  return broken;
}

async function runsTwice({ db, acknowledged, unknown }: Checked): Promise<string[]> {
  const known = new Set(acknowledged.map(({ taskid }) => taskid));
  const { rows } = await db.query<{ id: string; url: string }>("select id, callback_url as url from tasks order by id");
  const repeated = acknowledged.length === known.size ? [] : [`${acknowledged.length} Runs, ${known.size} tasks`];
  const left = new Set(unknown);
  return [...repeated, ...rows.filter(({ id, url }) => !known.has(id) && !left.delete(new URL(url).pathname)).map(({ id }) => id)];
}

async function missingBytes({ db, filesFolder }: Checked): Promise<string[]> {
  const { rows } = await db.query<{ file_key: string; size_bytes: string }>("select file_key, size_bytes from outputs");
  const files = openDiskStore(filesFolder);
  const missing: string[] = [];
  for (const row of rows) {
    const opened = await files.open(row.file_key);
    opened?.stream.destroy();
    if (opened?.sizeBytes !== Number(row.size_bytes)) missing.push(row.file_key);
  }
  return missing;
}

async function missingCallbacks({ db, acknowledged, receiver }: Checked): Promise<string[]> {
  const { rows } = await db.query<{ id: string; status: string; delivery: string | null }>(
    "select t.id, t.status, d.status as delivery from tasks t left join deliveries d on d.task_id = t.id",
  );
  const tasks = new Map(rows.map((row) => [row.id, row]));
  const received = byPath(receiver.received);
  return acknowledged.flatMap(({ taskid, callbackPath }) => {
    const { status = "", delivery = null } = tasks.get(taskid) ?? {};
    const bodies = received.get(callbackPath) ?? [];
    const isTold = bodies.length > 0 && bodies.every((got) => says(got, { taskid, status }));
    return delivery === "delivered" && isTold ? [] : [`${taskid} (${delivery}, ${bodies.length} received)`];
  });
}

function says({ body }: Received, { taskid, status }: { taskid: string; status: string }): boolean {
  return body.includes(taskid) && body.includes(status);
}

function byPath(received: readonly Received[]): Map<string, Received[]> {
  const groups = new Map<string, Received[]>();
  for (const one of received) groups.set(one.path, [...(groups.get(one.path) ?? []), one]);
  return groups;
}
