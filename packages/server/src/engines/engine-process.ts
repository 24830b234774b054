// One engine child: started, spoken to, stopped. It ends when its pipe closes, so it cannot outlive its worker.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";

import { engineProtocolVersion } from "@atelier/schema/engine-messages";
import type { FromEngine, ToEngine } from "@atelier/schema/engine-messages";

import { limits } from "../limits.ts";
import { openEngineChannel } from "./engine-channel.ts";
import type { EngineChannel } from "./engine-channel.ts";
import { followRun } from "./follow-run.ts";
import type { RunFollower, RunResult } from "./follow-run.ts";
import { readLogLines } from "./log-lines.ts";

/** How to start an engine. `name` is what manifests call it. */
export interface EngineCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

export type RunMessage = Extract<ToEngine, { type: "run" | "transform" }>;

/** A base and the adapters on it, as paths. */
export interface LoadedModel {
  readonly basePath: string;
  readonly adapterPaths: readonly string[];
}

export class EngineProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #channel: EngineChannel;
  readonly #exit: Promise<string>;
  #onMessage: (message: FromEngine) => void = () => undefined;
  #lines: LineFollower = nobody;
  #alive = true;
  #loaded: LoadedModel | undefined;

  private constructor(command: EngineCommand) {
    this.name = command.name;
    this.#child = spawn(command.command, [...command.args], {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      env: engineEnvironment(),
      // A process group of its own: Ctrl-C in a terminal reaches the server alone, which drains before engines end.
      detached: true,
    });
    this.#exit = this.#watchExit();
    // stdio[3] is declared "pipe" above, which Node opens as a duplex socket.
    this.#channel = openEngineChannel(this.#child.stdio[3] as Duplex, {
      onMessage: (message) => this.#receive(message),
      onInvalid: (reason) => this.#lines.onErrorLine(`engine ${this.name} sent ${reason}`),
    });
    const { stdout, stderr } = this.#child;
    if (stdout) readLogLines(stdout, (line) => this.#lines.onLog(line));
    if (stderr) readLogLines(stderr, (line) => this.#lines.onErrorLine(line));
  }

  /** Starts the child and waits until it is ready. Throws when it exits or stays silent. */
  static async start(command: EngineCommand, options: { threads: number }): Promise<EngineProcess> {
    const engine = new EngineProcess(command);
    const lines: string[] = [];
    const keep = (text: string): void => void lines.push(text);
    engine.#lines = { onLog: keep, onErrorLine: keep };
    const ready = new Promise<FromEngine>((resolve) => (engine.#onMessage = resolve));
    engine.#channel.send({ type: "init", protocol: engineProtocolVersion, threads: options.threads });
    const first = await Promise.race([ready, engine.#exit, timeout(limits.engineStartMs)]);
    await untilPipesAreRead();
    if (typeof first === "object" && first.type === "ready" && first.protocol === engineProtocolVersion) return engine;
    engine.kill();
    const detail = typeof first === "string" ? first : JSON.stringify(first);
    throw new Error(`engine ${command.name} did not start: ${detail} ${lines.slice(-5).join(" | ")}`.trim());
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  /** What its last run used: the next one that uses the same loads nothing. */
  get loaded(): LoadedModel | undefined {
    return this.#loaded;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Runs one task. Aborting `signal` sends cancel, then SIGTERM, then SIGKILL, each after its limit. An engine that is
   *  silent for `silenceMs` is killed, which counts as a crash. */
  async run(
    message: RunMessage,
    follower: RunFollower,
    { signal, silenceMs = limits.engineSilenceMs }: { signal: AbortSignal; silenceMs?: number },
  ): Promise<RunResult> {
    if (signal.aborted) return { kind: "cancelled" };
    const following = followRun(message.runId, follower);
    const silence = setTimeout(() => this.kill(), silenceMs);
    this.#onMessage = (received) => {
      silence.refresh();
      following.onMessage(received);
    };
    this.#lines = follower;
    void this.#exit.then((reason) => following.onExit(reason));
    const stopEscalation = this.#escalateOnAbort(message.runId, signal);
    this.#channel.send(message);
    try {
      const result = await following.result;
      await untilPipesAreRead();
      if (result.kind === "done" && message.type === "run") {
        this.#loaded = { basePath: message.basePath, adapterPaths: message.adapters.map(({ path }) => path) };
      }
      return result;
    } finally {
      clearTimeout(silence);
      stopEscalation();
      this.#onMessage = () => undefined;
      this.#lines = nobody;
    }
  }

  /** From now on the progress of a run has previews, if the engine can make some. */
  showPreviews(runId: string): void {
    this.#channel.send({ type: "preview", runId });
  }

  /** Asks the child to end and waits for it; kills it when it does not within the limit. */
  async stop(): Promise<void> {
    if (!this.#alive) return;
    this.#channel.send({ type: "shutdown" });
    const timer = setTimeout(() => this.kill(), limits.engineTermMs);
    await this.#exit;
    clearTimeout(timer);
  }

  kill(): void {
    if (this.#alive) this.#child.kill("SIGKILL");
  }

  #receive(message: FromEngine): void {
    if (message.type !== "log") this.#onMessage(message);
    else if (message.level === "error") this.#lines.onErrorLine(message.text);
    else this.#lines.onLog(message.text);
  }

  async #watchExit(): Promise<string> {
    const failed = new Promise<string>((resolve) => this.#child.once("error", (error) => resolve(error.message)));
    const exited = once(this.#child, "exit").then(([code, signal]) => `exit ${String(signal ?? code)}`, String);
    const reason = await Promise.race([exited, failed]);
    this.#alive = false;
    return reason;
  }

  #escalateOnAbort(runId: string, signal: AbortSignal): () => void {
    const timers: NodeJS.Timeout[] = [];
    const onAbort = (): void => {
      this.#channel.send({ type: "cancel", runId });
      timers.push(setTimeout(() => this.#child.kill("SIGTERM"), limits.engineCancelMs));
      timers.push(setTimeout(() => this.kill(), limits.engineCancelMs + limits.engineTermMs));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    return () => {
      signal.removeEventListener("abort", onAbort);
      for (const timer of timers) clearTimeout(timer);
    };
  }
}

/** Lines that an engine wrote before a message may be read after it: they come through other pipes. What is in these now is read when
 *  the event loop has looked at all of them once more; the first turn only ends the look in which the message came. */
async function untilPipesAreRead(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await setImmediate();
}

type LineFollower = Pick<RunFollower, "onLog" | "onErrorLine">;

const nobody: LineFollower = { onLog: () => undefined, onErrorLine: () => undefined };

/** An engine sees what a program needs to run, and no secret of the server. */
function engineEnvironment(): NodeJS.ProcessEnv {
  const kept = ["PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "SystemRoot", "CUDA_VISIBLE_DEVICES"];
  return Object.fromEntries(kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

function timeout(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, ms, `no answer within ${ms} ms`).unref());
}
