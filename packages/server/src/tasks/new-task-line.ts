// Where the runs of a process become tasks: those that come at the same moment, or while a statement is under way, share one, and
// so its wait for the disk. Each is answered after its own commit.

import { gather } from "../db/gather.ts";
import { insertTasks } from "../db/queries/new-tasks.ts";
import type { Insertion, PlainTask } from "../db/queries/new-tasks.ts";
import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";

export interface NewTaskLine {
  /** Durable when it resolves. `locked`: the project has a limit of open tasks, and nothing was done.
   *  Throws SERVER_UNAVAILABLE when the database stays away; whether there is a task is then unknown. */
  insert(task: PlainTask): Promise<Insertion>;
}

export function openNewTaskLine({ db }: { db: Queryable }): NewTaskLine {
  const line = { atOnce: limits.newTaskStatements, most: limits.newTaskBatch, waiting: limits.gatheredCalls };
  return { insert: gather((tasks: readonly PlainTask[]) => insertTasks(db, tasks), line) };
}
