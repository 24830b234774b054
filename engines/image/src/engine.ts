// The engine's life: init first, then runs one at a time; cancel, health and shutdown are answered in between.

import { busyCode, failureCodeOf } from "@atelier/schema/engine-failure";
import type { EngineParts } from "@atelier/schema/engine-frame";
import { engineProtocolVersion } from "@atelier/schema/engine-messages";
import type { ToEngine } from "@atelier/schema/engine-messages";

import { limits } from "./limits.ts";
import { prepareLibrary } from "./open-picture.ts";
import { operations, transformRun } from "./transform-run.ts";
import type { TransformMessage } from "./transform-run.ts";
import { TransformError } from "./transform-error.ts";

export interface EngineDeps extends EngineParts {
  /** For people, on stderr. */
  readonly log: (text: string) => void;
  /** Name and version, e.g. `image 0.1.0`. */
  readonly engine: string;
}

/** Makes the function that takes the server's messages. */
export function createEngine(deps: EngineDeps): (message: ToEngine) => void {
  const engine = new Engine(deps);
  return (message) => engine.receive(message);
}

class Engine {
  readonly #deps: EngineDeps;
  /** Runs that are waiting or at work. */
  readonly #runs = new Map<string, AbortController>();
  #isReady = false;
  #queue: Promise<void> = Promise.resolve();

  constructor(deps: EngineDeps) {
    this.#deps = deps;
  }

  receive(message: ToEngine): void {
    const { send, exit } = this.#deps;
    if (message.type === "init") return this.#init(message);
    if (message.type === "shutdown") return exit(0);
    if (!this.#isReady) return this.#fatal(`"${message.type}" came before "init"`);
    switch (message.type) {
      case "transform":
        return this.#enqueue(message);
      case "cancel":
        return this.#runs.get(message.runId)?.abort();
      case "health":
        return send({ type: "health", requestId: message.requestId, residentBytes: process.memoryUsage.rss() });
      case "load":
        return send({ type: "loaded", requestId: message.requestId, loadMs: 0, loadCount: 0 });
      case "run":
        return send({ type: "failed", runId: message.runId, code: "INPUT_INVALID", message: "This engine draws nothing from text." });
      case "unload":
      case "preview":
        // Nothing stays loaded, and there is nothing to see before the end.
        return undefined;
    }
  }

  #init({ protocol, threads }: Extract<ToEngine, { type: "init" }>): void {
    if (this.#isReady) return this.#fatal('"init" came twice');
    if (protocol !== engineProtocolVersion) {
      return this.#fatal(`protocol ${protocol} is asked for, this engine speaks ${engineProtocolVersion}`);
    }
    prepareLibrary(threads);
    this.#isReady = true;
    const capabilities = { operations: Object.keys(operations), contentTypes: ["image/png", "image/jpeg", "image/webp"], threads };
    this.#deps.send({ type: "ready", protocol: engineProtocolVersion, engine: this.#deps.engine, capabilities });
  }

  #enqueue(message: TransformMessage): void {
    const { runId } = message;
    if (this.#runs.has(runId)) return this.#fatal(`run "${runId}" came twice`);
    if (this.#runs.size >= limits.queuedRuns) {
      return this.#deps.send({ type: "failed", runId, code: busyCode, message: `More than ${limits.queuedRuns} runs are waiting.` });
    }
    const controller = new AbortController();
    this.#runs.set(runId, controller);
    this.#queue = this.#queue.then(() => this.#transform(message, controller.signal)).finally(() => this.#runs.delete(runId));
  }

  async #transform(message: TransformMessage, signal: AbortSignal): Promise<void> {
    const { send } = this.#deps;
    const startMs = performance.now();
    try {
      await transformRun({ send, signal, clockMs: () => performance.now() }, message);
      send({ type: "done", runId: message.runId, loadCount: 0, elapsedMs: performance.now() - startMs });
    } catch (error) {
      this.#report(message.runId, error);
    }
  }

  #report(runId: string, error: unknown): void {
    const { send, log } = this.#deps;
    if (error instanceof TransformError && error.code === "CANCELLED") return send({ type: "cancelled", runId });
    const code = error instanceof TransformError ? error.code : failureCodeOf(error);
    if (!(error instanceof TransformError)) log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    const message = (error instanceof Error ? error.message : String(error)).slice(0, limits.messageCharacters);
    send({ type: "failed", runId, code, message });
  }

  #fatal(message: string): void {
    this.#deps.send({ type: "fatal", code: "PROTOCOL_INVALID", message });
    this.#deps.exit(1);
  }
}
