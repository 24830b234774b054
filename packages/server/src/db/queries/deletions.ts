// Statements by which a caller has the files of a task deleted.

import { terminalStatuses } from "@atelier/schema/status";

import type { Queryable } from "../queryable.ts";

/** Forgets the outputs of an ended task: its rows go, and its output folder is "0" from then on. The record and its
 *  parameters stay. False, and nothing changed, when the task has not ended. */
export async function deleteOutputs(db: Queryable, taskId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `with emptied as (
       update tasks set output_folder_id = '0' where id = $1 and status = any($2) returning id
     ), gone as (
       delete from outputs where task_id in (select id from emptied)
     )
     select id from emptied`,
    [taskId, terminalStatuses],
  );
  return rowCount === 1;
}
