// Where the runs of a process become tasks: those that come at the same moment, or while a statement is under way, share one, and
// so its wait for the disk. Each is answered after its own commit. Where a worker waits for such tasks, its claim goes in the same
// transaction: one trip and one wait for the disk until it begins, where there were two (docs/adr/0009-handing-over.md).

import type { Database } from "../db/database.ts";
import { isRefusal } from "../db/connection-error.ts";
import { gather } from "../db/gather.ts";
import { askOnce } from "../db/queries/leases.ts";
import type { Claimed } from "../db/queries/leases.ts";
import { queueChannel } from "../db/queries/moved-rows.ts";
import { insertTasks } from "../db/queries/new-tasks.ts";
import type { Insertion, PlainTask } from "../db/queries/new-tasks.ts";
import { limits } from "../limits.ts";
import type { HandOver, WaitingWorkers } from "./claim-line.ts";

export interface NewTaskLine {
  /** Durable when it resolves. `locked`: the project has a limit of open tasks, and nothing was done.
   *  Throws SERVER_UNAVAILABLE when the database stays away; whether there is a task is then unknown. */
  insert(task: PlainTask): Promise<Insertion>;
}

export interface NewTaskLineDeps {
  readonly db: Pick<Database, "query" | "batch" | "announce">;
  /** Absent: new tasks wait until they are asked for. */
  readonly workers?: WaitingWorkers;
}

export function openNewTaskLine({ db, workers }: NewTaskLineDeps): NewTaskLine {
  const line = { atOnce: limits.newTaskStatements, most: limits.newTaskBatch, waiting: limits.gatheredCalls };
  const insert = (tasks: readonly PlainTask[]): Promise<Insertion[]> => {
    const handOver = workers?.handOver(new Set(tasks.map(({ model }) => model)));
    return handOver ? insertAndHandOver(db, tasks, handOver) : insertTasks(db, tasks);
  };
  return { insert: gather(insert, line) };
}

async function insertAndHandOver(db: NewTaskLineDeps["db"], tasks: readonly PlainTask[], handOver: HandOver): Promise<Insertion[]> {
  try {
    const both = db.batch((tx) => Promise.all([insertTasks(tx, tasks, { isTold: false }), askOnce(tx, handOver.claim, handOver.most)]));
    const [inserted, claimed] = await both;
    tellOfLeft(db, inserted, claimed);
    handOver.settle(claimed);
    return inserted;
  } catch (error) {
    handOver.settle(undefined);
    // Nothing was done. Whatever the claim was refused for, it must not cost a run.
    if (isRefusal(error)) return insertTasks(db, tasks);
    throw error;
  }
}

/** Nobody is told of tasks that were given out: every server with a free worker would ask for them. */
function tellOfLeft(db: NewTaskLineDeps["db"], inserted: readonly Insertion[], { tasks }: Claimed): void {
  const given = new Set(tasks.map(({ id }) => id));
  const created = inserted.flatMap((insertion) => (insertion.kind === "created" ? [insertion.id] : []));
  db.announce(queueChannel, created.filter((id) => !given.has(id)));
}
