// Statements that show a project its callbacks: a page of them, one, and how many there are.

import { limits } from "../../limits.ts";
import type { Queryable } from "../queryable.ts";
import type { Delivery, DeliveryAttempt } from "./deliveries.ts";

export async function countDeliveries(db: Queryable, projectId: string): Promise<string> {
  const { rows } = await db.query<{ count: string }>(`select count(*) as count from deliveries where project_id = $1`, [projectId]);
  return rows[0]?.count ?? "0";
}

/** A project's deliveries by id. `start`: how many are left out before the page. */
export async function selectDeliveryPage(
  db: Queryable,
  page: { readonly projectId: string; readonly start: number; readonly limit: number; readonly descending: boolean },
): Promise<Delivery[]> {
  const { rows } = await db.query<DeliveryJson>(
    `select ${columns} from deliveries d ${tries("$4")}
      where d.project_id = $1 order by d.id ${page.descending ? "desc" : "asc"} limit $2 offset $3`,
    [page.projectId, page.limit, page.start, limits.deliveryListRows],
  );
  return rows.map(deliveryFrom);
}

/** One delivery of the project, or undefined. */
export async function selectDelivery(
  db: Queryable,
  reference: { readonly projectId: string; readonly deliveryId: string },
): Promise<Delivery | undefined> {
  const { rows } = await db.query<DeliveryJson>(
    `select ${columns} from deliveries d ${tries("$3")} where d.id = $1 and d.project_id = $2`,
    [reference.deliveryId, reference.projectId, limits.deliveryListRows],
  );
  return rows.map(deliveryFrom)[0];
}

const columns = `
  d.id, d.message_id as "messageId", d.task_id as "taskId", d.url, d.status, d.created_at as "createdAt",
  case when d.status = 'waiting' then d.next_attempt_at end as "nextAttemptAt", d.ended_at as "endedAt",
  coalesce(tries.list, '[]'::jsonb) as attempts`;

/** The newest tries of each delivery. `most`: the parameter that bounds them. */
function tries(most: "$3" | "$4"): string {
  return `left join lateral (
    select jsonb_agg(to_jsonb(a) order by a.attempt desc) as list
      from (select attempt, started_at as "startedAt", duration_ms as "durationMs", http_status as "httpStatus",
                   error_class as "errorClass"
              from delivery_attempts where delivery_id = d.id order by attempt desc limit ${most}) a
  ) tries on true`;
}

type AttemptJson = Omit<DeliveryAttempt, "startedAt"> & { readonly startedAt: string };
type DeliveryJson = Omit<Delivery, "attempts"> & { readonly attempts: readonly AttemptJson[] };

function deliveryFrom(row: DeliveryJson): Delivery {
  return { ...row, attempts: row.attempts.map((attempt) => ({ ...attempt, startedAt: new Date(attempt.startedAt) })) };
}
