// Fills a database with the past of a busy server: finished tasks with their event and ledger lines, and waiting ones.

const batch = 10_000;
const projects = 20;

/** Tasks of 20 other projects; the waiting ones are of a model that no worker of the benchmark can run. */
export async function fillWithTasks(db, { finished, waiting }) {
  if (finished + waiting === 0) return;
  await db.query(
    `insert into projects (uuid, name, auth) select gen_random_uuid(), 'past ' || n, 'key' from generate_series(1, $1) n`,
    [projects],
  );
  for (let done = 0; done < finished; done += batch) await insertTasks(db, Math.min(batch, finished - done), "finished");
  for (let done = 0; done < waiting; done += batch) await insertTasks(db, Math.min(batch, waiting - done), "waiting");
  await db.query("vacuum analyze tasks");
  await db.query("vacuum analyze task_events");
  await db.query("checkpoint");
}

async function insertTasks(db, count, kind) {
  const isFinished = kind === "finished";
  await db.query(
    `with past as (select array_agg(id) as ids from projects where name like 'past %'), created as (
       insert into tasks (project_id, token, model, model_id, parameters, input, callback_url, cps, output_folder_id, status,
                          last_event_seq, attempt, pexit, elapsed_seconds, total_cost, created_at, accepted_at, ended_at, postprocess_ended_at)
       select past.ids[1 + n % ${projects}], md5(random()::text || n), 'past/model-' || n % 3, '1', '{"prompt":"past"}', '{"prompt":"past"}', '',
              0.000585, md5(n::text), $2, 1, $3, $4, $5, $5 * 0.000585, now() - interval '1 day', $6, $6, $6
         from past, generate_series(1, $1::int) n
       returning id, project_id, total_cost
     ), event as (insert into task_events (task_id, seq, attempt, type) select id, 1, 0, $2 from created)
     insert into ledger (task_id, project_id, amount) select id, project_id, total_cost from created where $3 > 0`,
    [
      count,
      isFinished ? "task_postprocess_end" : "task_queue",
      isFinished ? 1 : 0,
      isFinished ? "0" : null,
      isFinished ? 2.5 : 0,
      isFinished ? new Date() : null,
    ],
  );
}
