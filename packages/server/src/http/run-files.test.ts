import { afterAll, beforeAll, expect, it } from "vitest";

import { databaseWith } from "../db/test-database.ts";
import { AtelierError } from "../errors.ts";
import { pruneFiles } from "../files/prune-files.ts";
import { limits } from "../limits.ts";
import { drawHexId, drawOutputFolder, drawToken } from "../secret-text.ts";
import { buildServer } from "./server.ts";
import { formBody, formType, plainPicture } from "./test-form.ts";
import { publicUrl, signedHeaders, startTestServer } from "./test-server.ts";
import type { TestServer } from "./test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** A run with a picture. `loses`: the statement whose answer is lost with its connection, though it is committed. */
async function setup(loses?: RegExp) {
  const { db, context, mine, files } = server;
  await db.query("truncate tasks, files cascade");
  for await (const page of files.list()) for (const { key } of page) await files.remove(key);
  const query: typeof db.query = async (statement, values) => {
    const answer = await db.query(statement, values);
    if (loses?.test(typeof statement === "string" ? statement : statement.text)) throw new AtelierError("SERVER_UNAVAILABLE");
    // The rows that were asked for.
    return answer as never;
  };
  const app = buildServer({ ...context, db: databaseWith(db, { query }) });
  const payload = formBody([["image", await plainPicture(4, 4), "mine.png"]]);
  const headers = { ...signedHeaders(mine), "content-type": formType, "idempotency-key": "once" };
  const run = (on = app) => on.inject({ method: "POST", url: "/v1/Run/atelier/enlarge", headers, payload });
  const storedKeys = async (): Promise<string[]> => {
    const keys: string[] = [];
    for await (const page of files.list()) keys.push(...page.map(({ key }) => key));
    return keys;
  };
  const rows = async () => (await db.query<{ key: string }>("select file_key as key from files")).rows.map(({ key }) => key);
  const age = () => db.query("update files set created_at = now() - $1 * interval '1 millisecond'", [limits.interruptedUploadMs + 1_000]);
  const prune = () => pruneFiles({ db, files }, { keepDays: null });
  return { app, db, run, storedKeys, rows, age, prune };
}

it("the files of a run whose answer was lost stay with its task, and a repetition runs with them", async () => {
  const { db, run, storedKeys, rows, age, prune } = await setup(/insert into tasks/);
  expect((await run()).statusCode).toBe(503);
  const repeated = (await run(server.app)).json<{ result: boolean; taskid: string }>();
  const task = await db.query<{ key: string }>("select input #>> '{image,0,fileKey}' as key from tasks where id = $1", [repeated.taskid]);
  expect(await storedKeys()).toEqual([task.rows[0]?.key]);
  await age();
  expect(await prune()).toBe(0);
  expect(await rows()).toEqual(await storedKeys());
});

it.each([
  ["a server that died", /no such statement/],
  ["a database that went away", /update files set stored_at/],
])("what came with a run that %s kept from becoming a task is removed after a while", async (_what, loses) => {
  const { db, run, storedKeys, rows, age, prune } = await setup(loses);
  await run();
  // As if the server had died between the file and the task.
  await db.query("delete from tasks");
  expect(await rows()).toHaveLength(1);
  expect(await prune()).toBe(0);
  await age();
  expect(await prune()).toBe(1);
  expect([await rows(), await storedKeys()]).toEqual([[], []]);
});

it("an output that a run names by its address is noted, so that it stays while the run needs it", async () => {
  const { db, run } = await setup();
  const made = (await run()).json<{ taskid: string }>().taskid;
  const [id, fileKey] = [drawHexId(), `${drawOutputFolder()}/0.png`];
  await db.query(
    `insert into outputs (id, task_id, position, name, content_type, size_bytes, access_key, file_key) values ($1, $2, 0, '0.png', 'image/png', 1, $3, $4)`,
    [id, made, drawToken(), fileKey],
  );
  const { taskid } = (await server.post("/v1/Run/atelier/enlarge", { image: `${publicUrl}/outputs/${fileKey}` })).json<{ taskid: string }>();
  expect((await db.query("select task_id, output_id from task_outputs")).rows).toEqual([{ task_id: taskid, output_id: id }]);
});
