// PgBouncer, Debian's, in front of a cluster of a test: in session mode, as docs/operations.md asks for.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { freePort } from "./debian-postgres.ts";

const program = "/usr/sbin/pgbouncer";

export class PgBouncer {
  readonly #folder: string;
  readonly #port: number;
  #child: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  /** Resolves when it takes connections. */
  static async create(cluster: { readonly port: number }): Promise<PgBouncer> {
    const bouncer = new PgBouncer(await mkdtemp(join(tmpdir(), "atelier-bouncer-")), await freePort());
    await chmod(bouncer.#folder, 0o755);
    await writeFile(join(bouncer.#folder, "users"), '"atelier" ""\n');
    await writeFile(join(bouncer.#folder, "bouncer.ini"), bouncer.#settings(cluster.port));
    await bouncer.start();
    return bouncer;
  }

  url(database = "postgres"): string {
    return `postgres://atelier@127.0.0.1:${this.#port}/${database}`;
  }

  async start(): Promise<void> {
    // As root it refuses to run; Debian's package has made this user.
    const user = process.getuid?.() === 0 ? ["--user", "postgres"] : [];
    const child = spawn(program, ["--quiet", ...user, join(this.#folder, "bouncer.ini")], { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    const said: string[] = [];
    child.stderr.on("data", (piece: Buffer) => said.push(piece.toString()));
    while (!(await this.#answers())) {
      if (child.exitCode !== null) throw new Error(`PgBouncer ended:\n${said.join("")}`);
      await delay(20);
    }
  }

  /** Cuts every session that goes through it. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.#port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
  }

  #settings(clusterPort: number): string {
    return [
      "[databases]",
      `* = host=127.0.0.1 port=${clusterPort}`,
      "[pgbouncer]",
      "listen_addr = 127.0.0.1",
      `listen_port = ${this.#port}`,
      "unix_socket_dir =",
      "auth_type = trust",
      `auth_file = ${join(this.#folder, "users")}`,
      "pool_mode = session",
      "default_pool_size = 60",
      "",
    ].join("\n");
  }
}
