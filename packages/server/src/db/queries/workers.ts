// Statements about which workers live and what they can run.

import type { Queryable } from "../queryable.ts";

export interface WorkerOffer {
  readonly workerId: string;
  /** Clean names of the models that it can run. */
  readonly models: readonly string[];
  /** Tasks that it can run at once, as far as is known. */
  readonly places: number;
}

/** Writes down what a worker offers, and that it was seen now. */
export async function upsertWorker(db: Queryable, { workerId, models, places }: WorkerOffer): Promise<void> {
  await db.query(
    `insert into workers (worker_id, models, places) values ($1, $2, $3)
         on conflict (worker_id) do update set models = excluded.models, places = excluded.places, seen_at = now()`,
    [workerId, models, places],
  );
}

/** A worker was seen whose offer this server does not know. */
export async function touchWorker(db: Queryable, workerId: string): Promise<void> {
  await db.query("update workers set seen_at = now() where worker_id = $1", [workerId]);
}

export async function deleteWorker(db: Queryable, workerId: string): Promise<void> {
  await db.query("delete from workers where worker_id = $1", [workerId]);
}

/** Forgets workers that were not seen for `goneMs`. Returns how many. */
export async function deleteGoneWorkers(db: Queryable, goneMs: number): Promise<number> {
  const { rowCount } = await db.query("delete from workers where seen_at < now() - $1 * interval '1 millisecond'", [goneMs]);
  return rowCount ?? 0;
}
