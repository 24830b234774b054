// The peers have no log of progress: their three events go to a table like ours, one commit each.

export const progressTable = `create table if not exists progress_events (
  job text not null, seq integer not null, at timestamptz not null default now(), data jsonb, primary key (job, seq))`;

export async function writeProgress(query, job) {
  for (let seq = 1; seq <= 3; seq += 1) {
    await query("insert into progress_events (job, seq, data) values ($1, $2, $3)", [String(job), seq, JSON.stringify({ step: seq, stepTotal: 3 })]);
  }
}
