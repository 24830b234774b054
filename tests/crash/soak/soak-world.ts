// What the soak breaks: a server with its own worker and PostgreSQL, two workers of other machines, a receiver of callbacks.

import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { atelier, ServerProcess } from "../../lifecycle/server-process.ts";
import { FaultyProxy } from "../../remote-worker/faulty-proxy.ts";
import { startReceiver } from "../../webhooks/receiver.ts";
import type { Receiver } from "../../webhooks/receiver.ts";
import { CrashServer } from "../crash-server.ts";

const bin = join(import.meta.dirname, "../../../bin/atelier.mjs");
const remoteWorkers = 2;
/** Room for a long soak's rows, log and pictures; small enough to be filled in a moment. */
const diskMib = 700;
export const diskReserveMib = 64;

export class SoakWorld {
  readonly folder: string;
  /** True when the data folder lies on a small file system of its own, which can be filled. */
  readonly hasOwnDisk: boolean;
  readonly workers: SoakWorker[] = [];
  readonly receiver: Receiver;
  /** Set by the start. */
  server!: CrashServer;

  private constructor(folder: string, hasOwnDisk: boolean, receiver: Receiver) {
    this.folder = folder;
    this.hasOwnDisk = hasOwnDisk;
    this.receiver = receiver;
  }

  static async open(): Promise<SoakWorld> {
    const folder = await mkdtemp(join(tmpdir(), "atelier-soak-"));
    const world = new SoakWorld(folder, mountSmallDisk(folder), await startReceiver());
    try {
      await world.#start();
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  async #start(): Promise<void> {
    this.server = await CrashServer.create(join(this.folder, "data"), {
      ATELIER_OUTBOUND_ALLOW: "127.0.0.1",
      ATELIER_KEY_REQUESTS_PER_MINUTE: "0",
      ATELIER_DISK_RESERVE_MIB: String(diskReserveMib),
    });
    await this.server.start();
    const made = await atelier(["worker-token", "create", "soak", "--data", this.server.folder, "--json"]);
    // The command's documented answer.
    const { token } = JSON.parse(made.stdout) as { token: string };
    for (let at = 0; at < remoteWorkers; at += 1) this.workers.push(await SoakWorker.start(this.server, token));
  }

  /** After a kill, at another port. */
  async startServer(): Promise<void> {
    await this.server.start();
    for (const worker of this.workers) worker.proxy.target = this.server.url;
  }

  async close(): Promise<void> {
    for (const worker of this.workers) await worker.close();
    await this.server?.remove();
    await this.receiver.stop();
    if (this.hasOwnDisk) execFileSync("umount", [this.folder]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A worker process, started again after each kill, that reaches its server through a proxy of its own. */
export class SoakWorker {
  readonly proxy: FaultyProxy;
  readonly #token: string;
  readonly #modelsFolder: string;
  process!: ServerProcess;

  private constructor(proxy: FaultyProxy, token: string, modelsFolder: string) {
    this.proxy = proxy;
    this.#token = token;
    this.#modelsFolder = modelsFolder;
  }

  static async start(server: CrashServer, token: string): Promise<SoakWorker> {
    const worker = new SoakWorker(await FaultyProxy.open(server.url), token, join(server.folder, "models"));
    await worker.launch().catch(async (error: unknown) => {
      await worker.proxy.close();
      throw error;
    });
    return worker;
  }

  async launch(): Promise<void> {
    this.process = new ServerProcess({
      dataDir: this.#modelsFolder,
      command: [process.execPath, bin, "worker", "--server", this.proxy.url, "--models", this.#modelsFolder],
      env: { ATELIER_FAKE_ENGINE: "1", ATELIER_WORKER_TOKEN: this.#token, ATELIER_LOG_LEVEL: "warn" },
    });
    await this.process.line(/^working for /);
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exit();
  }

  async close(): Promise<void> {
    this.process.kill("SIGCONT");
    await this.kill();
    await this.proxy.close();
  }
}

/** False where mounting is not allowed: the disk is then not filled, and the report says so. */
function mountSmallDisk(folder: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${diskMib}m`, "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
