// Whether the disk of the data folder has room for more work.

import { statfs } from "node:fs/promises";

import { limits } from "../limits.ts";

/** True while more than `reserveBytes` are free. Below it nothing new is begun, so that what exists can still be written:
 *  PostgreSQL's log, the ends of running tasks. */
export async function hasRoom(folder: string, reserveBytes: number): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize > reserveBytes;
}

/** Asks `look` again only when its last answer is older than the limit, and once for all who ask meanwhile: every Run asks, and
 *  a look takes a turn of Node's thread pool. A look that fails or finds no room is not kept: whoever made room is believed at once. */
export function recentRoom(look: () => Promise<boolean>, clock: () => number = () => performance.now()): () => Promise<boolean> {
  let asked: { readonly answer: Promise<boolean>; readonly at: number } | undefined;
  return () => {
    if (asked && clock() - asked.at < limits.diskLookMs) return asked.answer;
    const asking = { answer: look(), at: clock() };
    const forget = (): void => {
      if (asked === asking) asked = undefined;
    };
    asking.answer.then((hasRoom) => hasRoom || forget(), forget);
    asked = asking;
    return asking.answer;
  };
}
