// PostgreSQL clusters of this test run alone, of Debian's programs: made by initdb, started, killed and promoted by pg_ctl.
// No system service and no cluster of the machine is touched.

import { execFile } from "node:child_process";
import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

import pg from "pg";

import { processesOf } from "../lifecycle/server-process.ts";

const run = promisify(execFile);

/** Folder of initdb and pg_ctl; `.ci/postgres.sh` sets it. */
const programs = process.env["ATELIER_DEBIAN_POSTGRES"];
if (programs === undefined) throw new Error("no PostgreSQL of Debian: run this through .ci/postgres.sh");

const user = "atelier";
const startSeconds = 120;
const portTries = 100;

export class DebianPostgres {
  readonly port: number;
  readonly #folder: string;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  /** A fresh cluster that runs. `conf`: lines of postgresql.conf. */
  static async create(conf: readonly string[] = []): Promise<DebianPostgres> {
    const cluster = new DebianPostgres(await makeFolder(), await freePort());
    const data = join(cluster.#folder, "data");
    await asPostgres("initdb", [`--pgdata=${data}`, `--username=${user}`, "--encoding=UTF8", "--auth=trust", "--no-sync"]);
    await cluster.#configure(conf);
    await cluster.start();
    return cluster;
  }

  /** A streaming replica of this cluster, running, whose name in `synchronous_standby_names` is `replica`. */
  async replica(): Promise<DebianPostgres> {
    const other = new DebianPostgres(await makeFolder(), await freePort());
    const from = `host=127.0.0.1 port=${this.port} user=${user} application_name=replica`;
    await asPostgres("pg_basebackup", [`--pgdata=${join(other.#folder, "data")}`, `--dbname=${from}`, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
    // Alone after a promotion, it must not wait for a replica of its own.
    await other.#configure(["synchronous_standby_names = ''"]);
    await other.start();
    return other;
  }

  /** Where it is, for one part of a list of hosts. */
  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  url(database = "postgres"): string {
    return `postgres://${user}@${this.host}/${database}`;
  }

  /** Resolves when it takes connections. A busy machine may take long to replay its log. */
  async start(): Promise<void> {
    await this.#control("start", "--timeout", String(startSeconds), "--log", join(this.#folder, "log")).catch(async (error: unknown) => {
      throw new Error(`PostgreSQL did not start:\n${await this.log()}`, { cause: error });
    });
  }

  /** Ends it as a power cut ends a machine: no process gets to say goodbye. Resolves when all of them are gone: one that is
   *  left would hold the shared memory, and a postmaster that nobody has waited for yet still has its pid, by which the next
   *  start takes it for a running one. */
  async kill(): Promise<void> {
    const killed = new Set<number>();
    for (let pids = await processesOf(this.#folder); pids.length > 0; pids = await processesOf(this.#folder)) {
      for (const pid of pids) killed.add(pid);
      for (const pid of pids) signalIfThere(pid, "SIGKILL");
      await delay(20);
    }
    const deadline = Date.now() + startSeconds * 1_000;
    while ([...killed].some((pid) => signalIfThere(pid, 0)) && Date.now() < deadline) await delay(20);
  }

  /** `fast` closes the sessions; `immediate` is a crash with recovery. */
  async restart(mode: "fast" | "immediate"): Promise<void> {
    await this.#control("stop", "--mode", mode, "--timeout", String(startSeconds));
    await this.start();
  }

  /** From now on a commit is acknowledged only when the replica has it on disk as well. Resolves when that holds. */
  async waitForCopies(): Promise<void> {
    const client = new pg.Client(this.url());
    await client.connect();
    await client.query("alter system set synchronous_standby_names = 'replica'");
    await client.query("select pg_reload_conf()");
    const state = "select sync_state from pg_stat_replication where application_name = 'replica'";
    while ((await client.query<{ sync_state: string }>(state)).rows[0]?.sync_state !== "sync") await delay(50);
    await client.end();
  }

  async promote(): Promise<void> {
    await this.#control("promote");
  }

  async remove(): Promise<void> {
    await this.#control("stop", "--mode", "immediate").catch(() => undefined); // killed by its test
    await rm(this.#folder, { recursive: true, force: true });
  }

  async log(): Promise<string> {
    return readFile(join(this.#folder, "log"), "utf8");
  }

  async #configure(more: readonly string[]): Promise<void> {
    const lines = [`port = ${this.port}`, "listen_addresses = '127.0.0.1'", `unix_socket_directories = ''`, "max_connections = 200", ...more];
    await writeFile(join(this.#folder, "data/postgresql.auto.conf"), `${lines.join("\n")}\n`, { flag: "a" });
  }

  async #control(action: string, ...more: string[]): Promise<void> {
    await asPostgres("pg_ctl", [action, "--pgdata", join(this.#folder, "data"), "--wait", "--silent", ...more]);
  }
}

/** Returns whether there was such a process; signal 0 only looks. */
function signalIfThere(pid: number, signal: "SIGKILL" | 0): boolean {
  try {
    return pid > 1 && process.kill(pid, signal);
  } catch {
    // It ended with its postmaster.
    return false;
  }
}

/** PostgreSQL refuses to run as root; Debian's package has made a user for it. */
async function asPostgres(program: string, args: readonly string[]): Promise<void> {
  const command = [join(programs as string, program), ...args];
  const wrapped = process.getuid?.() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", ...command] : command;
  // Not a pipe: the started server would hold it open.
  await run(wrapped[0] as string, wrapped.slice(1), { cwd: "/", env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C", TZ: "UTC" } });
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "atelier-debian-pg-"));
  await mkdir(join(folder, "data"), { mode: 0o700 });
  if (process.getuid?.() === 0) {
    const { stdout } = await run("id", ["-u", "postgres"]);
    for (const path of [folder, join(folder, "data")]) await chown(path, Number(stdout), Number(stdout));
  }
  return folder;
}

/** Below the ports that the kernel gives to outgoing connections (from 32768): one of these could take the port while its
 *  PostgreSQL is down, which then could not start again. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < portTries; tries += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of ${portTries} ports is free`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const isListening = await new Promise<boolean>((resolve) => server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true)));
  if (isListening) await new Promise((resolve) => server.close(resolve));
  return isListening;
}
