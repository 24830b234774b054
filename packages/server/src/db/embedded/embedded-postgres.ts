// Runs the PostgreSQL that npm brings: made when missing, started, watched, restarted when it dies, stopped at the end.

import { chown, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { limits } from "../../limits.ts";
import type { Log } from "../../log.ts";
import { OperatorError } from "../../operator-error.ts";
import { findPostgresBinaries } from "./binaries.ts";
import { clusterDirOf, databaseUser, ensureCluster } from "./cluster.ts";
import { readPidFile } from "./pid-file.ts";
import { startPostmaster } from "./postmaster.ts";
import type { Postmaster, PostmasterDeps } from "./postmaster.ts";
import { chooseRunAs } from "./run-as.ts";
import type { RunAs, RunAsChoice } from "./run-as.ts";

export interface EmbeddedPostgresOptions {
  /** Existing folder that only this process uses; PostgreSQL's data goes to `postgres` in it. */
  readonly folder: string;
  readonly runAs: RunAsChoice;
  /** Overrides of the server settings, for tests. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Called when PostgreSQL died and could not be started again. */
  readonly onLost?: (error: unknown) => void;
}

export interface EmbeddedPostgres {
  /** Folder of the Unix socket: the host to connect to. It stays the same over restarts. */
  readonly socketDir: string;
  readonly user: string;
  /** Pid of the running postmaster. */
  readonly pid: () => number;
  /** How PostgreSQL runs: as this user, as root behind a namespace, or as another user. */
  readonly runAs: RunAs["kind"];
  stop(): Promise<void>;
}

/** Modest memory (about 24 MB idle, measured) and nothing lost at a crash: fsync and synchronous_commit stay on. */
const defaultSettings = {
  max_connections: String(limits.postgresConnections),
  shared_buffers: "32MB",
  fsync: "on",
  full_page_writes: "on",
  synchronous_commit: "on",
  wal_level: "minimal",
  max_wal_senders: "0",
  min_wal_size: "32MB",
  max_wal_size: "256MB",
  max_worker_processes: "2",
  max_logical_replication_workers: "0",
  max_parallel_workers: "0",
  autovacuum_max_workers: "1",
  // The default starts three more processes; one disk does not need them.
  io_method: "sync",
  jit: "off",
  huge_pages: "off",
  timezone: "UTC",
  log_timezone: "UTC",
  log_checkpoints: "off",
  // No key values of failed statements in the log.
  log_error_verbosity: "terse",
} as const;

/** Starts PostgreSQL on `folder/postgres`. Resolves when it accepts connections on its socket.
 *  Throws POSTGRES_MISSING or POSTGRES_START_FAILED. */
export async function startEmbeddedPostgres(
  deps: { log: Log },
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const clusterDir = clusterDirOf(options.folder);
  const binaries = await findPostgresBinaries(join(options.folder, "postgres-libraries"));
  const runAs = await chooseRunAs(binaries, clusterDir, options.runAs);
  await ensureCluster({ binaries, runAs }, clusterDir);
  const left = await readPidFile(clusterDir);
  await rotateLog(join(options.folder, "postgres.log"));
  const socketDir = await makeSocketDir(runAs);
  const postmasterDeps: PostmasterDeps = {
    binaries,
    runAs,
    clusterDir,
    socketDir,
    logPath: join(options.folder, "postgres.log"),
    settings: { ...defaultSettings, ...options.settings },
  };
  try {
    const first = await startPostmaster(postmasterDeps);
    await removeLeftSocketDir(left?.socketDir, socketDir);
    deps.log.info({ pid: first.pid, runAs: runAs.kind }, "postgres.started");
    const watch = new Watch(deps.log, postmasterDeps, first, options.onLost);
    return { socketDir, user: databaseUser, runAs: runAs.kind, pid: () => watch.pid, stop: () => watch.stop() };
  } catch (error) {
    await rm(socketDir, { recursive: true, force: true });
    throw error;
  }
}

/** Socket folders are recognized by this prefix, and only such folders are ever removed. */
const socketPrefix = "atelier-pg-";

/** A folder that only PostgreSQL and this user may enter, with a path short enough for a socket address (107 bytes). */
async function makeSocketDir(runAs: RunAs): Promise<string> {
  const base = Buffer.byteLength(tmpdir()) <= limits.socketFolderBytes ? tmpdir() : "/tmp";
  const socketDir = await mkdtemp(join(base, socketPrefix)).catch((cause: unknown) => {
    throw new OperatorError(
      "POSTGRES_START_FAILED",
      { problem: `The folder for temporary files, ${base}, cannot be written.`, remedy: "Set TMPDIR to one that can." },
      { cause },
    );
  });
  if (runAs.owner) await chown(socketDir, runAs.owner.uid, runAs.owner.gid);
  return socketDir;
}

/** Keeps one postmaster running until it is stopped. */
class Watch {
  readonly #log: Log;
  readonly #deps: PostmasterDeps;
  readonly #onLost: ((error: unknown) => void) | undefined;
  #current: Postmaster;
  #stopping = false;
  #stopped: Promise<void> | undefined;
  /** The restart in progress. */
  #restarting: Promise<void> = Promise.resolve();

  constructor(log: Log, deps: PostmasterDeps, first: Postmaster, onLost: ((error: unknown) => void) | undefined) {
    this.#log = log;
    this.#deps = deps;
    this.#current = first;
    this.#onLost = onLost;
    this.#follow(first);
  }

  get pid(): number {
    return this.#current.pid;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    await this.#restarting;
    await this.#current.stop();
    await rm(this.#deps.socketDir, { recursive: true, force: true });
    this.#log.info({}, "postgres.stopped");
  }

  #follow(postmaster: Postmaster): void {
    void postmaster.ended.then(() => {
      if (this.#stopping) return;
      this.#log.error({ pid: postmaster.pid }, "postgres.died");
      this.#restarting = this.#restart();
    });
  }

  async #restart(): Promise<void> {
    for (let attempt = 1; !this.#stopping; attempt += 1) {
      try {
        this.#current = await startPostmaster(this.#deps);
        this.#log.warn({ pid: this.#current.pid, attempt }, "postgres.restarted");
        this.#follow(this.#current);
        return;
      } catch (error) {
        this.#log.error({ err: error, attempt }, "postgres.restart-failed");
        if (attempt >= limits.postgresRestarts) {
          this.#onLost?.(error);
          return;
        }
        await delay(limits.postgresRestartMs);
      }
    }
  }
}

/** Removes the socket folder that a killed server's PostgreSQL left: after the start, so that nobody uses it any more. */
async function removeLeftSocketDir(left: string | undefined, current: string): Promise<void> {
  if (!left || left === current || !basename(left).startsWith(socketPrefix)) return;
  await rm(left, { recursive: true, force: true });
}

/** Keeps one former log, so that the file never grows without end. */
async function rotateLog(path: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (info && info.size > limits.postgresLogBytes) await rename(path, `${path}.old`);
}
