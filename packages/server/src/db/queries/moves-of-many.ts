// Statements that move many leased tasks at once: a busy worker's reports share a commit, and so its wait for the disk.

import { allowedMoves, statusesBefore } from "@atelier/schema/status";
import type { Status } from "@atelier/schema/status";

import type { Queryable } from "../queryable.ts";
import { announceEvent } from "./moved-rows.ts";
import type { Fence, FencedMoves, Finish, Move } from "./moves.ts";

/** Moves many leased tasks on, each by as many steps as it likes, in one statement; one event for each step. Returns for each,
 *  in the same order, whether it moved: all of its steps, or none where fence, status or the place in its log do not match. A task may be named once. */
export async function moveTasks(db: Queryable, tasks: readonly FencedMoves[]): Promise<boolean[]> {
  const wanted = tasks.map(({ fence, moves, afterSeq }, place) => {
    const statuses = moves.map((move) => move.to);
    return { ...fence, place, afterSeq, before: statusesBeforeAll(statuses), statuses, ...stepsOf(moves) };
  });
  return run(db, moving, wanted);
}

/** Ends many tasks well in one statement, after the steps that were not yet reported. Returns for each, in the same order,
 *  whether its fence held; otherwise nothing of it was changed. A task may be named once. */
export async function finishTasks(db: Queryable, tasks: readonly { fence: Fence; finish: Finish }[]): Promise<boolean[]> {
  const wanted = tasks.map(({ fence, finish: { moves = [], ...finish } }, place) => {
    const steps = moves.map((move) => move.to);
    const before = steps.length === 0 ? [beforeEnd] : steps.at(-1) === beforeEnd ? statusesBeforeAll(steps) : [];
    return { ...fence, ...finish, place, before, statuses: [...steps, "task_postprocess_end"], ...stepsOf(moves) };
  });
  return run(db, finishing, wanted);
}

/** A task whose engine and reports are done. */
const beforeEnd: Status = "task_postprocess_start";

/** The statuses from which a walk through `path` may begin: none where the path itself is not allowed. */
function statusesBeforeAll(path: readonly Status[]): Status[] {
  const isAllowed = path.every((to, at) => {
    const from = path[at - 1];
    return from === undefined || allowedMoves[from].includes(to);
  });
  const [first] = path;
  return first !== undefined && isAllowed ? statusesBefore(first) : [];
}

/** What the rows of the steps say beside their statuses. */
function stepsOf(moves: readonly Move[]): { data: unknown[]; agesMs: number[]; variant: string | null } {
  const nowMs = performance.now();
  return {
    data: moves.map((move) => move.data ?? null),
    agesMs: moves.map(({ atMs = nowMs }) => Math.max(0, nowMs - atMs)),
    variant: moves.findLast((move) => move.variant !== undefined)?.variant ?? null,
  };
}

/** Returns which of the places are among the rows of the answer. */
async function run(db: Queryable, { one, many }: Statements, wanted: readonly object[]): Promise<boolean[]> {
  const { rows } = await db.query<{ place: number }>(wanted.length === 1 ? one : many, [JSON.stringify(wanted)]);
  const places = new Set(rows.map(({ place }) => place));
  return wanted.map((_, place) => places.has(place));
}

/** What was asked for, as rows. */
const wantedMoves = `wanted as (
  select * from jsonb_to_recordset($1::jsonb) as w (
    place integer, "taskId" bigint, attempt integer, "workerId" text, before text[], statuses text[], data jsonb,
    "agesMs" float8[], variant text, "afterSeq" integer, outputs jsonb, "debugOutput" text, "debugError" text, provenance jsonb))`;

/** Row locks in the order of ids: a heartbeat that renews the same leases in another order would wait for us, and we for it. */
const heldInOrder = `held as materialized (
  select t.id from tasks t join wanted w on t.id = w."taskId" order by t.id for no key update of t)`;

/** Columns that record when a status was entered. */
const timeColumns: Partial<Record<Status, string>> = {
  task_preprocess_start: "preprocess_started_at",
  task_preprocess_end: "preprocess_ended_at",
  task_assign: "assigned_at",
  task_start: "started_at",
  task_end: "ended_at",
  task_postprocess_start: "postprocess_started_at",
};

/** When a step was taken, however much later it is written; never before its task was accepted. */
function stampOf(status: string, column: string): string {
  const age = `w."agesMs"[array_position(w.statuses, '${status}')] * interval '1 millisecond'`;
  return `case when '${status}' = any(w.statuses) then greatest(t.accepted_at, now() - ${age}) else t.${column} end`;
}

const stamps = Object.entries(timeColumns).map(([status, column]) => `${column} = ${stampOf(status, column)}`).join(", ");

/** From accept to the end of the engine's run, as the wire shows it and as it is billed. Set when the task ends: as an indexed
 *  column it would cost the moves before their HOT updates. */
const elapsed = `round(extract(epoch from ${stampOf("task_end", "ended_at")} - t.accepted_at)::numeric, 4)`;

/** Seconds, the run itself, and its outputs, of which a run without any is charged one (contract, "Pricing"). */
const cost = `round(t.cps * ${elapsed} + t.request_price + t.output_price * greatest(1, jsonb_array_length(w.outputs)), 12)`;

const ending = `postprocess_ended_at = now(), pexit = '0', elapsed_seconds = ${elapsed}, total_cost = ${cost},
  debug_output = w."debugOutput", debug_error = coalesce(w."debugError", ''), provenance = nullif(w.provenance, 'null'::jsonb),
  worker_id = null, lease_expires_at = null`;

/** Outputs, ledger line, and the bill of a project with a budget. */
const records = `stored as (
    insert into outputs (id, task_id, position, name, content_type, size_bytes, access_key, file_key)
    select o.id, moved.id, o.position, o.name, o."contentType", o."sizeBytes", o."accessKey", o."fileKey"
      from moved cross join lateral jsonb_to_recordset(moved.outputs) as o (
           id text, position integer, name text, "contentType" text, "sizeBytes" bigint, "accessKey" text, "fileKey" text)
  ), billed as (
    insert into ledger (task_id, project_id, amount) select id, project_id, total_cost from moved
  ), payer as materialized (
    -- Locked, so that a budget which is being set now is seen or waits.
    select p.id, p.budget from projects p where p.id in (select project_id from moved) order by p.id for key share
  ), bill as materialized (
    select moved.project_id, sum(moved.total_cost) as amount
      from moved join payer on payer.id = moved.project_id where payer.budget is not null group by moved.project_id
  ), account as materialized (
    select u.project_id, bill.amount from project_usage u join bill using (project_id) order by u.project_id for no key update of u
  ), spent as (
    update project_usage u set spent = u.spent + account.amount from account where u.project_id = account.project_id
  ),`;

interface Statements {
  readonly one: { name: string; text: string };
  readonly many: { name: string; text: string };
}

/** `assign` and `record`: what is done beside the steps. */
function statements(name: string, { assign, record }: { assign: string; record: string }): Statements {
  const text = (lock: string, from: string): string => `with ${wantedMoves}, ${lock} moved as (
    update tasks t
       set status = w.statuses[cardinality(w.statuses)], last_event_seq = t.last_event_seq + cardinality(w.statuses),
           variant = coalesce(w.variant, t.variant), ${stamps} ${assign}
      from ${from}
     where t.id = w."taskId" and t.attempt = w.attempt and t.worker_id = w."workerId" and t.status = any(w.before)
       and t.last_event_seq = coalesce(w."afterSeq", t.last_event_seq)
    returning t.id, t.project_id, t.last_event_seq, t.attempt, t.total_cost, w.place, w.statuses, w.data, w.outputs
  ), ${record} event as (
    insert into task_events (task_id, seq, attempt, type, data)
    select m.id, m.last_event_seq - cardinality(m.statuses) + e.place, m.attempt, e.status,
           nullif(m.data -> (e.place - 1)::integer, 'null'::jsonb)
      from moved m cross join unnest(m.statuses) with ordinality as e (status, place)
  )
  select place, ${announceEvent} from moved`;
  return {
    one: { name: `${name}-one`, text: text("", "wanted w") },
    many: { name: `${name}-many`, text: text(`${heldInOrder},`, `wanted w join held on held.id = w."taskId"`) },
  };
}

const moving = statements("move", { assign: "", record: "" });
const finishing = statements("finish", { assign: `, ${ending}`, record: records });
