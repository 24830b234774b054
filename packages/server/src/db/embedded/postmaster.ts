// Starts one postmaster and stops it; stops one that a killed server left behind.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { limits } from "../../limits.ts";
import { OperatorError } from "../../operator-error.ts";
import type { PostgresBinaries } from "./binaries.ts";
import { disownPidFile, hasPostmaster, isAlive, isPostmasterOf, readPidFile } from "./pid-file.ts";
import { giveFolder, searchPath } from "./run-as.ts";
import type { RunAs } from "./run-as.ts";

export interface PostmasterDeps {
  readonly binaries: PostgresBinaries;
  readonly runAs: RunAs;
  readonly clusterDir: string;
  readonly socketDir: string;
  readonly logPath: string;
  /** Server settings beside the address, e.g. `{ shared_buffers: "32MB" }`. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface Postmaster {
  readonly pid: number;
  /** Resolves when the process has ended, however it came to that. */
  readonly ended: Promise<void>;
  /** Fast shutdown: sessions are closed, everything is on disk when it resolves. */
  stop(): Promise<void>;
}

/** Starts PostgreSQL and resolves when it accepts connections. Waits for the orphans of a killed postmaster to let go of
 *  the shared memory. Throws POSTGRES_START_FAILED with the end of its log. */
export async function startPostmaster(deps: PostmasterDeps): Promise<Postmaster> {
  const deadline = Date.now() + limits.postgresStartMs;
  for (;;) {
    await settlePidFile(deps.clusterDir);
    await giveCluster(deps);
    await clearSocket(deps.socketDir);
    const logStart = await fileSize(deps.logPath);
    const child = await launch(deps);
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    // `pid` is set: launch has seen the spawn event.
    const pid = child.pid as number;
    const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
    const stop = (): Promise<void> => stopProcess({ pid, ended, hasEnded });
    if (await becomesReady(deps.clusterDir, child, deadline)) return { pid, ended, stop };
    await stop();
    const log = (await readFile(deps.logPath, "utf8").catch(() => "")).slice(logStart);
    if (Date.now() > deadline || !isPassing(log)) throw startFailed(deps.logPath, log);
    await delay(limits.postgresRetryMs);
  }
}

/** Stops the postmaster that a killed server left, or disowns its pid file when the pid is someone else's by now.
 *  Signals nothing but a verified postmaster of this folder. */
async function settlePidFile(clusterDir: string): Promise<void> {
  const left = await readPidFile(clusterDir);
  if (!left) return;
  if (await isPostmasterOf(clusterDir, left.pid)) {
    const deadline = Date.now() + limits.postgresStopMs + 2 * limits.postgresQuitMs;
    // Asks for our postmaster, not for the pid: without an init process its orphan stays behind as a zombie.
    const hasEnded = async (): Promise<boolean> => !(await isPostmasterOf(clusterDir, left.pid));
    await stopProcess({ pid: left.pid, ended: pollUntil(hasEnded, deadline), hasEnded });
  }
  const after = await readPidFile(clusterDir);
  // With a postmaster still there the file stays as it is: PostgreSQL then refuses, and two never write to one folder.
  if (after && isAlive(after.pid) && !(await hasPostmaster(clusterDir))) await disownPidFile(clusterDir);
}

/** PostgreSQL refuses a folder that is not its user's. One made behind a namespace is root's, and so it stays there until
 *  it is opened as another user. */
async function giveCluster({ clusterDir, runAs }: PostmasterDeps): Promise<void> {
  if (runAs.owner && (await stat(clusterDir)).uid !== runAs.owner.uid) await giveFolder(clusterDir, runAs);
}

/** A dead postmaster's socket and lock: its pid may be another process by now, and PostgreSQL would then refuse. */
async function clearSocket(socketDir: string): Promise<void> {
  await rm(join(socketDir, ".s.PGSQL.5432"), { force: true });
  await rm(join(socketDir, ".s.PGSQL.5432.lock"), { force: true });
}

async function launch(deps: PostmasterDeps): Promise<ChildProcess> {
  const settings = { listen_addresses: "", unix_socket_permissions: "0700", ...deps.settings };
  const [program = "", ...rest] = deps.runAs.wrap([
    deps.binaries.postgres,
    "-D",
    deps.clusterDir,
    "-k",
    deps.socketDir,
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ]);
  // A file, not a pipe: PostgreSQL must be able to write its log after a kill -9 of this process.
  const log = await open(deps.logPath, "a", 0o600);
  try {
    const child = spawn(program, rest, {
      // A session of its own: Ctrl-C reaches this process only, which stops PostgreSQL last.
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
      env: { ...deps.binaries.environment, PATH: searchPath, LC_ALL: "C", TZ: "UTC" },
    });
    endWithProcess(child, deps.socketDir);
    await new Promise((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    return child;
  } finally {
    await log.close();
  }
}

/** A process that does not wait for the end of its work (a second Ctrl-C) takes its PostgreSQL with it: by the immediate shutdown, which
 *  needs nobody to wait for it, and the next start recovers from the log. After a kill -9 the next start has to stop it. */
function endWithProcess(child: ChildProcess, socketDir: string): void {
  const end = (): void => {
    child.kill("SIGQUIT");
    rmSync(socketDir, { recursive: true, force: true });
  };
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
}

async function becomesReady(clusterDir: string, child: ChildProcess, deadline: number): Promise<boolean> {
  let ready = false;
  const settled = async (): Promise<boolean> => {
    if (child.exitCode !== null || child.signalCode !== null) return true;
    const state = await readPidFile(clusterDir);
    ready = state?.pid === child.pid && state?.ready === true;
    return ready;
  };
  await pollUntil(settled, deadline);
  return ready;
}

interface StoppedProcess {
  readonly pid: number;
  readonly ended: Promise<unknown>;
  /** Asked before each signal: once its end was seen, the pid may be anyone's. */
  readonly hasEnded: () => boolean | Promise<boolean>;
}

async function stopProcess({ pid, ended, hasEnded }: StoppedProcess): Promise<void> {
  const steps = [
    // Fast shutdown, then immediate (recovers from its log at the next start), then the end.
    { signal: "SIGINT", waitMs: limits.postgresStopMs },
    { signal: "SIGQUIT", waitMs: limits.postgresQuitMs },
    { signal: "SIGKILL", waitMs: limits.postgresQuitMs },
  ] as const;
  for (const { signal, waitMs } of steps) {
    if ((await hasEnded()) || !isAlive(pid) || !sendSignal(pid, signal)) return;
    const timer = new AbortController();
    const late = delay(waitMs, "late" as const, { signal: timer.signal }).catch(() => "late" as const);
    const outcome = await Promise.race([ended, late]);
    timer.abort();
    if (outcome !== "late") return;
  }
}

/** False when the process ended in this very moment. */
function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** A start that fails while orphans of a killed postmaster still hold its memory succeeds a moment later. */
function isPassing(log: string): boolean {
  return /pre-existing shared memory block|is in use|already exists|could not remove old lock file/i.test(log);
}

function startFailed(logPath: string, log: string): OperatorError {
  const reason = log.trim().split("\n").slice(-4).join(" ") || "it wrote no reason";
  return new OperatorError("POSTGRES_START_FAILED", {
    problem: `PostgreSQL did not start: ${reason}.`,
    remedy: `Its whole log is ${logPath}.`,
  });
}

async function pollUntil(done: () => boolean | Promise<boolean>, deadline: number): Promise<boolean> {
  while (Date.now() < deadline) {
    if (await done()) return true;
    await delay(limits.postgresPollMs);
  }
  return false;
}

async function fileSize(path: string): Promise<number> {
  return stat(path).then(
    (info) => info.size,
    () => 0,
  );
}
