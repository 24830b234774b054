// A real server process for lifecycle tests: started the way people start it, signalled, and looked for afterwards.

import { execFile, spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

const root = join(import.meta.dirname, "../..");

export interface LaunchOptions {
  readonly dataDir: string;
  /** Command line; default: `node scripts/start.mjs --port 0 --data DIR`. */
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class ServerProcess {
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #lines = new EventEmitter();
  readonly #closed: Promise<unknown>;

  constructor(options: LaunchOptions) {
    const [program = "", ...args] = options.command ?? startCommand(options.dataDir);
    this.#child = spawn(program, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: cleanEnvironment(options.env),
      // A group of its own, so that a test can signal it as a terminal does.
      detached: true,
    });
    this.#closed = once(this.#child, "close");
    for (const name of ["stdout", "stderr"] as const) {
      createInterface({ input: this.#child[name] }).on("line", (line) => {
        this[name].push(line);
        this.#lines.emit("line", line);
      });
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits for a line on stdout or stderr. Throws when the process ends before it. */
  async line(pattern: RegExp): Promise<string> {
    const closed = this.#closed.then(() => true);
    for (let isOver = false; ; ) {
      // Looked up again each time: one chunk of output may hold several lines.
      const known = [...this.stdout, ...this.stderr].find((line) => pattern.test(line));
      if (known !== undefined) return known;
      if (isOver) throw new Error(`ended before ${pattern}:\n${this.stderr.join("\n")}`);
      isOver = await Promise.race([once(this.#lines, "line").then(() => false), closed]);
    }
  }

  /** The address that the server says it is ready at. */
  async ready(): Promise<string> {
    const line = await this.line(/^ready /);
    return line.slice("ready ".length);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** As a terminal's Ctrl-C does: every process of the group gets it. */
  killGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** Exit code (or the signal's name) once all its output has been read. */
  async exit(): Promise<number | NodeJS.Signals | null> {
    await this.#closed;
    return this.#child.exitCode ?? this.#child.signalCode;
  }
}

export function startCommand(dataDir: string): string[] {
  return [process.execPath, join(root, "scripts/start.mjs"), "--port", "0", "--data", dataDir];
}

/** Runs a command of the command line to its end. */
export async function atelier(
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { cwd: root, env: cleanEnvironment(env) };
    const child = execFile(process.execPath, [join(root, "bin/atelier.mjs"), ...args], options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? 1, stdout, stderr }),
    );
  });
}

/** Pids of live processes that belong to a data folder: named in their command line, working in it, or begun by one that
 *  is (engines know no data folder). Linux only. */
export async function processesOf(dataDir: string): Promise<number[]> {
  const pids = (await readdir("/proc")).map(Number).filter((pid) => pid > 0 && pid !== process.pid);
  const processes = await Promise.all(pids.map(async (pid) => ({ pid, ...(await inspect(pid, dataDir)) })));
  const found = new Set(processes.filter((one) => one.belongs).map((one) => one.pid));
  for (let known = -1; known !== found.size; ) {
    known = found.size;
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid);
  }
  return [...found].toSorted((one, other) => one - other);
}

/** Source of the parent's place: proc_pid_stat(5), field 4; the name in parentheses may hold spaces. */
async function inspect(pid: number, dataDir: string): Promise<{ parent: number; belongs: boolean }> {
  const command = await commandOf(pid);
  const workingDir = await readlink(`/proc/${pid}/cwd`).catch(() => "");
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
  return { parent, belongs: command.includes(dataDir) || workingDir.startsWith(dataDir) };
}

/** The command line, its words parted by spaces; empty when there is no such process. */
export async function commandOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ");
}

/** Pid of the postmaster of a data folder. */
export async function postmasterOf(dataDir: string): Promise<number> {
  return Number((await readFile(join(dataDir, "postgres/postmaster.pid"), "utf8")).split("\n")[0]);
}

/** This process's environment without what would configure the server. */
function cleanEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(ATELIER_|DATABASE_URL|PUBLIC_URL|NODE_OPTIONS|VITEST|npm_)/.test(name));
  return { ...Object.fromEntries(kept), ATELIER_LOG_FORMAT: "pretty", ...more };
}
