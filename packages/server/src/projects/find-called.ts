// Finds the project that a command means: by its id, or by a name that only one project has.

import { selectProjectsCalled } from "../db/queries/project-access.ts";
import type { ListedProject } from "../db/queries/project-access.ts";
import type { Queryable } from "../db/queryable.ts";
import { OperatorError } from "../operator-error.ts";

/** An id wins over a name that looks like one. Throws COMMAND_FAILED when there is none, or more than one. */
export async function findProjectCalled(db: Queryable, call: string): Promise<ListedProject> {
  const id = /^\d{1,18}$/.test(call) ? call : null;
  const found = await selectProjectsCalled(db, { id, name: call });
  const [first, ...more] = found;
  const exact = found.find((project) => project.id === id);
  if (exact) return exact;
  if (!first) {
    throw new OperatorError("COMMAND_FAILED", {
      problem: `There is no project ${JSON.stringify(call)}.`,
      remedy: "`atelier project list` shows all, `atelier project create` makes one.",
    });
  }
  if (more.length === 0) return first;
  throw new OperatorError("COMMAND_FAILED", {
    problem: `${found.length} projects are called ${JSON.stringify(call)}: ${found.map((project) => project.id).join(", ")}.`,
    remedy: "Give the id in place of the name.",
  });
}
