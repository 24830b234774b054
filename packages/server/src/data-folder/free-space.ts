// Whether the disk of the data folder has room for more work.

import { statfs } from "node:fs/promises";

/** True while more than `reserveBytes` are free. Below it nothing new is begun, so that what exists can still be written:
 *  PostgreSQL's log, the ends of running tasks. */
export async function hasRoom(folder: string, reserveBytes: number): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize > reserveBytes;
}
