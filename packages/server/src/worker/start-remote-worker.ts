// A worker on a machine of its own: it reaches its server's worker API and nothing else.

import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { hasRoom } from "../data-folder/free-space.ts";
import { openEnginePool } from "../engines/engine-pool.ts";
import type { EngineCommand } from "../engines/engine-process.ts";
import type { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { openOutbound } from "../outbound/outbound.ts";
import { openHttpTaskSource } from "./http-source/http-task-source.ts";
import { startWorker } from "./worker.ts";

export interface RemoteWorkerSettings {
  /** Origin of the server, without a slash at the end. */
  readonly url: string;
  readonly token: string;
  readonly engines: readonly EngineCommand[];
  /** Where weights are looked for, first match first. */
  readonly modelFolders: readonly string[];
  /** Tasks that run at once. */
  readonly slots: number;
  /** Hosts and networks that input URLs may reach though they are not public. */
  readonly outboundAllow: readonly string[];
  readonly threads: number;
  /** How long running tasks may go on once it is told to stop. */
  readonly drainMs: number;
  /** Free space of the temp folder's disk below which no task is taken. */
  readonly diskReserveBytes: number;
}

export interface RemoteWorker {
  /** Takes no more tasks, lets running ones end within `drainMs`, returns the others to the queue. With the server away it
   *  ends a moment later all the same: their leases run out. */
  stop(): Promise<void>;
}

/** `onAccepted`: the server has answered this worker for the first time; `onRefused`: it will not have it, for its token or its version. */
export async function startRemoteWorker(
  settings: RemoteWorkerSettings,
  { log, onAccepted, onRefused }: { log: Log; onAccepted: () => void; onRefused: (error: AtelierError) => void },
): Promise<RemoteWorker> {
  const { url, token, modelFolders, slots, drainMs, diskReserveBytes } = settings;
  const tempFolder = await mkdtemp(join(tmpdir(), "atelier-worker-"));
  const workerId = randomUUID();
  const source = openHttpTaskSource({ url, token, workerId, onAccepted, onRefused });
  const worker = startWorker({
    source,
    log,
    engines: openEnginePool(settings.engines, { threads: settings.threads }),
    folders: { modelFolders },
    outbound: openOutbound({ allow: settings.outboundAllow }),
    tempFolder,
    slots,
    drainMs,
    hasRoom: async () => {
      // Old temp folders are swept away on many machines.
      await mkdir(tempFolder, { recursive: true });
      return hasRoom(tempFolder, diskReserveBytes);
    },
  });
  log.info({ url, workerId, slots, engines: settings.engines.map((engine) => engine.name) }, "worker.started");
  return {
    async stop() {
      const hurry = setTimeout(() => void source.close(), drainMs + limits.remoteGiveBackMs);
      await worker.drain();
      clearTimeout(hurry);
      await rm(tempFolder, { recursive: true, force: true });
    },
  };
}
