import pg from "pg";
import { expect, test } from "vitest";

import { remembering } from "../remembering.ts";
import { sessionsOf } from "../session.ts";
import { createTestDatabase } from "../test-database.ts";
import { selectNews } from "./events.ts";

test("a session keeps the plan of a look, and one that was made while the log was empty reads a few blocks of a long one", async () => {
  const { db, address, drop } = await createTestDatabase();
  const pool = new pg.Pool({ ...address, Client: sessionsOf(address), max: 1 });
  const session = await pool.connect();
  // The database is dropped before the pool's session has said goodbye.
  session.on("error", () => undefined);
  try {
    expect(await selectNews(remembering(session, []), [{ taskId: "1", afterSeq: 0 }], 100)).toMatchObject([{ isGone: true }]);
    const kept = await session.query<{ name: string }>("select name from pg_prepared_statements");
    expect(kept.rows.map(({ name }) => name)).toEqual(["news"]);
    await db.query("alter table tasks set (autovacuum_enabled = off)");
    await db.query("alter table task_events set (autovacuum_enabled = off)");
    await db.query("insert into projects (uuid, name, auth) values (gen_random_uuid(), 'p', 'key')");
    await db.query(
      `insert into tasks (project_id, token, model, model_id, status, parameters, input, cps, output_folder_id, last_event_seq)
       select p.id, n::text, 'test/fake', '1', 'task_queue', '{}', '{}', 0, '0', 1 from projects p, generate_series(1, 5000) n`,
    );
    await db.query("insert into task_events (task_id, seq, attempt, type, data) select t.id, s, 1, 'task_output', null from tasks t, generate_series(1, 3) s");
    const ids = (await db.query<{ id: string }>("select id from tasks order by id desc limit 10")).rows.map(({ id }) => id);
    const { rows } = await session.query<{ "QUERY PLAN": readonly [{ Plan: Record<string, number> }] }>(
      `explain (analyze, buffers, format json) execute news ('{${ids.join()}}', '{${ids.map(() => 1).join()}}', 100, '{task_cancel}')`,
    );
    const plan = rows[0]?.["QUERY PLAN"][0].Plan;
    expect(plan?.["Actual Rows"]).toBe(20);
    expect((plan?.["Shared Hit Blocks"] ?? 0) + (plan?.["Shared Read Blocks"] ?? 0)).toBeLessThan(200);
  } finally {
    session.release();
    await pool.end();
    await drop();
  }
});
