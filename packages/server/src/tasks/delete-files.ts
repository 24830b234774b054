// Deletes the files of an ended task; its record stays.

import { isTerminal } from "@atelier/schema/status";

import { deleteOutputs } from "../db/queries/deletions.ts";
import { selectRunFiles } from "../db/queries/files.ts";
import type { Queryable } from "../db/queryable.ts";
import { AtelierError } from "../errors.ts";
import { removeFile } from "../files/add-file.ts";
import type { FileStore } from "../files/file-store.ts";
import { findTask } from "./find-task.ts";
import type { TaskReference } from "../db/task.ts";

/** When it returns, neither the bytes nor the rows of the outputs and of the files that came with the run are left. May be asked again: nothing is left to do then.
 *  Throws TASK_NOT_EXIST, or TASK_FILES_IN_USE while the task waits or runs. */
export async function deleteFiles(deps: { db: Queryable; files: FileStore }, reference: TaskReference): Promise<void> {
  const task = await findTask(deps, reference);
  if (!task) throw new AtelierError("TASK_NOT_EXIST");
  if (!isTerminal(task.status)) throw new AtelierError("TASK_FILES_IN_USE");
  // Bytes first: after a crash in between, the rows still say which bytes to remove when the caller asks again. The other
  // way round they would stay on the disk with nobody knowing of them.
  for (const output of task.outputs) await deps.files.remove(output.fileKey);
  // What came with the run goes too; uploads of their own and samples stay.
  for (const file of await selectRunFiles(deps.db, [task.id])) await removeFile(deps, file);
  await deleteOutputs(deps.db, task.id);
}
