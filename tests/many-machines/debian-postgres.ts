// PostgreSQL clusters of this test run alone, of Debian's programs: made by initdb, started, killed and promoted by pg_ctl.
// No system service and no cluster of the machine is touched.

import { execFile } from "node:child_process";
import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

import pg from "pg";

const run = promisify(execFile);

/** Folder of initdb and pg_ctl; `.ci/postgres.sh` sets it. */
const programs = process.env["ATELIER_DEBIAN_POSTGRES"];
if (programs === undefined) throw new Error("no PostgreSQL of Debian: run this through .ci/postgres.sh");

const user = "atelier";

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

  async start(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#control("start", "--log", join(this.#folder, "log"));
      } catch (error) {
        // The children of a killed postmaster hold its shared memory for a moment.
        if (tries >= 50) throw error;
        await delay(200);
      }
    }
  }

  /** Ends it as a power cut ends a machine: no process gets to say goodbye. */
  async kill(): Promise<void> {
    const [pid] = (await readFile(join(this.#folder, "data/postmaster.pid"), "utf8")).split("\n");
    const { stdout } = await run("ps", ["--ppid", String(Number(pid)), "-o", "pid="]).catch(() => ({ stdout: "" }));
    for (const each of [Number(pid), ...stdout.trim().split(/\s+/).map(Number)]) signalIfThere(each);
  }

  /** `fast` closes the sessions; `immediate` is a crash with recovery. */
  async restart(mode: "fast" | "immediate"): Promise<void> {
    await this.#control("restart", "--mode", mode, "--log", join(this.#folder, "log"));
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

function signalIfThere(pid: number): void {
  try {
    if (pid > 1) process.kill(pid, "SIGKILL");
  } catch {
    // It ended with its postmaster.
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

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
