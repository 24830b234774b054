// A real server in a process of its own, for tests that kill it: started, spoken to, killed in parts, started again.

import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess, ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

import { openDatabase } from "../../packages/server/src/db/database.ts";
import type { Database } from "../../packages/server/src/db/database.ts";
import { openLog } from "../../packages/server/src/log.ts";

const root = join(import.meta.dirname, "../..");
const atelier = join(root, "bin/atelier.mjs");

/** `session`: one of PostgreSQL's own processes that serves a connection; PostgreSQL restarts all of them after its death. */
export type Part = "server" | "postgres" | "session" | "engine";

export interface Envelope extends Record<string, unknown> {
  result: boolean;
}

/** One data folder and the server on it, over many lives. */
export class CrashServer {
  readonly folder: string;
  readonly log: string[] = [];
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #url = "";
  #apiKey = "";

  private constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.#env = env;
  }

  /** A fresh data folder with the fake model `test/fake` and a key-only project. `env`: more settings of the server. */
  static async create(folder?: string, env: Readonly<Record<string, string>> = {}): Promise<CrashServer> {
    const server = new CrashServer(folder ?? (await mkdtemp(join(tmpdir(), "atelier-crash-"))), env);
    await server.addModel();
    const args = [atelier, "project", "create", "crash", "--auth", "key", "--data", server.folder, "--json"];
    const created: unknown = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
    // The command's documented answer.
    server.#apiKey = (created as { apikey: string }).apikey;
    return server;
  }

  /** On a copy of another server's data, with its project. `env`: more settings. */
  static on(folder: string, other: CrashServer, env: Readonly<Record<string, string>> = {}): CrashServer {
    const server = new CrashServer(folder, { ...other.#env, ...env });
    server.#apiKey = other.#apiKey;
    return server;
  }

  async start(): Promise<void> {
    for await (const line of createInterface({ input: this.#spawn().stdout })) {
      const url = /^ready (\S+)/.exec(line)?.[1];
      if (!url) continue;
      this.#url = url;
      return;
    }
    throw new Error(`the server ended before it was ready:\n${this.log.slice(-20).join("\n")}`);
  }

  /** Begins a start and ends it with SIGKILL after so long, be it ready by then or not. */
  async startAndKill(afterMs: number): Promise<void> {
    this.#spawn().stdout.resume();
    await delay(afterMs);
    await this.signal("server", "SIGKILL");
  }

  #spawn(): ChildProcessByStdio<null, Readable, Readable> {
    const child = spawn(process.execPath, [atelier, "serve", "--port", "0", "--data", this.folder], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ATELIER_FAKE_ENGINE: "1", ATELIER_LOG_LEVEL: "info", ...this.#env },
    });
    this.#child = child;
    createInterface({ input: child.stderr }).on("line", (line) => this.log.push(line));
    return child;
  }

  /** False when it ended by itself. */
  get isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** Where clients reach it, as it runs now. */
  get url(): string {
    return this.#url;
  }

  /** The address of a path on the server as it runs now. */
  urlOf(path: string): string {
    return new URL(path, this.#url).href;
  }

  /** POSTs to the wire; throws when the server is away. */
  async call(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Envelope> {
    const response = await fetch(`${this.#url}/v1${path}`, {
      method: "POST",
      headers: { "x-api-key": this.#apiKey, "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    // The wire's answers are JSON objects with `result`.
    return (await response.json()) as Envelope;
  }

  /** Sends a signal to one part. False when that part does not run just now. */
  async signal(part: Part, signal: NodeJS.Signals): Promise<boolean> {
    const pid = await this.#pidOf(part);
    if (pid === undefined) return false;
    try {
      process.kill(pid, signal);
    } catch {
      return false; // it ended by itself in this moment
    }
    if (part === "server" && signal === "SIGKILL") await this.#gone();
    return true;
  }

  /** Stops cleanly and returns the exit code. */
  async stop(): Promise<number | null> {
    this.#child?.kill("SIGTERM");
    await this.#gone();
    return this.#child?.exitCode ?? null;
  }

  /** Opens the embedded database beside the running server. */
  async openDatabase(): Promise<Database> {
    const record: unknown = JSON.parse(await readFile(join(this.folder, "server.json"), "utf8"));
    // Written by the server under test.
    const { socketDir } = record as { socketDir: string };
    const log = openLog({ level: "silent", pretty: false });
    return openDatabase({ log }, { host: socketDir, user: "atelier", database: "atelier" });
  }

  async remove(): Promise<void> {
    if (this.isRunning) await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The fake model, which backups do not hold. */
  async addModel(): Promise<void> {
    await mkdir(join(this.folder, "models"), { recursive: true });
    await copyFile(join(import.meta.dirname, "fake-model.json"), join(this.folder, "models", "fake.json"));
  }

  /** Adds or replaces a file of the user's own models folder. */
  async addModelFile(name: string, content: string): Promise<void> {
    await writeFile(join(this.folder, "models", name), content);
  }

  async #gone(): Promise<void> {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }

  async #pidOf(part: Part): Promise<number | undefined> {
    if (part === "server") return this.#child?.exitCode === null ? this.#child.pid : undefined;
    if (part === "engine") return engineOf(this.#child?.pid);
    const text = await readFile(join(this.folder, "postgres", "postmaster.pid"), "utf8").catch(() => "");
    const pid = Number(text.split("\n")[0]);
    const postmaster = Number.isInteger(pid) && pid > 1 && text.includes(this.folder) ? pid : undefined;
    if (part === "postgres") return postmaster;
    return childrenOf(postmaster).find((child) => child.command.startsWith("postgres: atelier "))?.pid;
  }
}

/** The pid of an engine that a server or a worker has started, if one runs. */
export function engineOf(pid: number | undefined): number | undefined {
  return childrenOf(pid).find((child) => child.command.includes("engines/"))?.pid;
}

function childrenOf(pid: number | undefined): { pid: number; command: string }[] {
  if (pid === undefined) return [];
  try {
    const listed = execFileSync("ps", ["--ppid", String(pid), "-o", "pid=,args="], { encoding: "utf8" });
    return listed
      .split("\n")
      .map((line) => /^\s*(\d+)\s+(.*)$/.exec(line))
      .flatMap((match) => (match ? [{ pid: Number(match[1]), command: match[2] ?? "" }] : []));
  } catch {
    return []; // ps exits with 1 when there are none
  }
}
