// Where the runs of a process become tasks: those that come at the same moment, or while a statement is under way, share one, and
// so its wait for the disk. Each is answered after its own commit. Where a worker waits for such tasks, its claim goes in the same
// transaction: one trip and one wait for the disk until it begins, where there were two (docs/adr/0009-handing-over.md).

import type { Database } from "../db/database.ts";
import { NothingSent } from "../db/batches.ts";
import { isRefusal } from "../db/connection-error.ts";
import { gather } from "../db/gather.ts";
import { askOnce } from "../db/queries/leases.ts";
import type { ClaimedTask } from "../db/queries/leases.ts";
import { queueChannel } from "../db/queries/moved-rows.ts";
import { insertTasks } from "../db/queries/new-tasks.ts";
import type { Insertion, PlainTask } from "../db/queries/new-tasks.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
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
  readonly log?: Log;
}

export function openNewTaskLine(deps: NewTaskLineDeps): NewTaskLine {
  const line = { atOnce: limits.newTaskStatements, most: limits.newTaskBatch, waiting: limits.gatheredCalls };
  const insert = gather((tasks: readonly PlainTask[]) => {
    const handOver = deps.workers?.handOver(new Set(tasks.map(({ model }) => model)));
    return handOver ? insertAndHandOver(deps, tasks, handOver) : insertTasks(deps.db, tasks);
  }, line);
  const limited = new LimitedProjects();
  return {
    async insert(task) {
      if (limited.has(task.projectId)) return { kind: "locked" };
      const insertion = await insert(task);
      if (insertion.kind === "locked") limited.add(task.projectId);
      return insertion;
    },
  };
}

async function insertAndHandOver({ db, log }: NewTaskLineDeps, tasks: readonly PlainTask[], handOver: HandOver): Promise<Insertion[]> {
  try {
    const both = db.batch((tx) => Promise.all([insertTasks(tx, tasks, { isTold: false }), askOnce(tx, handOver.claim, handOver.most)]));
    const [inserted, claimed] = await both;
    tellOfLeft(db, inserted, claimed.tasks);
    handOver.settle(claimed.tasks);
    return inserted;
  } catch (error) {
    const isUndone = error instanceof NothingSent || isRefusal(error);
    if (!isUndone) {
      handOver.fail(error);
      throw error;
    }
    handOver.settle([]);
    // Whatever the claim was refused for, it must not cost a run.
    log?.debug({ err: error }, "tasks.not-handed-over");
    return insertTasks(db, tasks);
  }
}

/** Nobody is told of tasks that were given out: every server with a free worker would ask for them. */
function tellOfLeft(db: NewTaskLineDeps["db"], inserted: readonly Insertion[], tasks: readonly ClaimedTask[]): void {
  const given = new Set(tasks.map(({ id }) => id));
  const created = inserted.flatMap((insertion) => (insertion.kind === "created" ? [insertion.id] : []));
  db.announce(queueChannel, created.filter((id) => !given.has(id)));
}

/** Projects that had a limit of open tasks a moment ago: their tasks are counted and created one by one, under a lock, and a shared
 *  statement would only say so again. */
class LimitedProjects {
  readonly #untilMs = new Map<string, number>();

  has(projectId: string): boolean {
    return (this.#untilMs.get(projectId) ?? 0) > performance.now();
  }

  add(projectId: string): void {
    if (this.#untilMs.size >= limits.limitedProjects) this.#untilMs.clear();
    this.#untilMs.set(projectId, performance.now() + limits.limitedProjectMs);
  }
}
