// Chooses between the server that runs on a data folder and the folder itself, and waits while neither can be had.

import { setTimeout as delay } from "node:timers/promises";

import { findLockHolder } from "../data-folder/lock.ts";
import { findServer } from "../data-folder/server-record.ts";
import type { ServerRecord } from "../data-folder/server-record.ts";
import { limits } from "../limits.ts";
import { OperatorError } from "../operator-error.ts";

export interface ServerOrOwn<Result> {
  /** A server runs on the folder. */
  running(server: ServerRecord): Promise<Result>;
  /** Nobody did just now; may throw DATA_FOLDER_LOCKED when somebody was faster. */
  own(): Promise<Result>;
  /** Ends the wait for a server that is starting or stopping. */
  readonly signal?: AbortSignal | undefined;
}

/** Calls one of the two. Throws DATA_FOLDER_LOCKED when the folder stays locked and no server says where it is. */
export async function serverOrOwn<Result>(dataDir: string, { running, own, signal }: ServerOrOwn<Result>): Promise<Result> {
  const deadline = Date.now() + limits.serverStartMs;
  for (;;) {
    const server = await findServer(dataDir);
    if (server) return running(server);
    try {
      return await own();
    } catch (error) {
      const isLocked = error instanceof OperatorError && error.code === "DATA_FOLDER_LOCKED";
      if (!isLocked || Date.now() > deadline) throw error;
    }
    await serverOrRelease(dataDir, deadline, signal);
  }
}

/** Until the process that holds the folder says where it serves, or lets go. */
async function serverOrRelease(dataDir: string, deadline: number, signal: AbortSignal | undefined): Promise<void> {
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    if ((await findServer(dataDir)) || !(await findLockHolder(dataDir))) return;
    await delay(limits.serverPollMs);
  }
}
