// The peers have no log of progress: their three events go to a table like ours, in one of two ways.

export const progressTable = `create table if not exists progress_events (
  job text not null, seq integer not null, at timestamptz not null default now(), data jsonb, primary key (job, seq))`;

/** One commit each, and the job waits for each: what a follower would see while it runs. */
export async function progressOneByOne(query, job) {
  for (const event of eventsOf(job)) await query("insert into progress_events (job, seq, data) values ($1, $2, $3)", event);
}

/** All three in one statement before the job's end: Atelier's reports of a run that is over at once go with its end as well. */
export async function progressAtOnce(query, job) {
  await query("insert into progress_events (job, seq, data) values ($1, $2, $3), ($4, $5, $6), ($7, $8, $9)", eventsOf(job).flat());
}

function eventsOf(job) {
  return [1, 2, 3].map((seq) => [String(job), seq, JSON.stringify({ step: seq, stepTotal: 3 })]);
}
