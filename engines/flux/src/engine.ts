// The engine's life: init first, then requests one at a time; cancel, health and shutdown are answered in between.

import { isAbsolute } from "node:path";
import { busyCode, failureCodeOf } from "@atelier/schema/engine-failure";
import type { EngineParts } from "@atelier/schema/engine-frame";
import { engineProtocolVersion, type ToEngine } from "@atelier/schema/engine-messages";
import { FluxError } from "@atelier/flux/errors";
import { FileHasher } from "@atelier/flux/file-hash";
import { BaseStore } from "./base-store.ts";
import { drawRun, type RunMessage } from "./draw-run.ts";
import { limits } from "./limits.ts";
import { PreviewPace } from "./preview-pace.ts";

export interface EngineDeps extends EngineParts {
  /** For people, on stderr. */
  readonly log: (text: string) => void;
  /** Name and version, e.g. `flux 0.1.0`. */
  readonly engine: string;
}

/** Makes the function that takes the server's messages. */
export function createEngine(deps: EngineDeps): (message: ToEngine) => void {
  const engine = new Engine(deps);
  return (message) => engine.receive(message);
}

class Engine {
  readonly #deps: EngineDeps;
  readonly #hasher = new FileHasher();
  /** Runs that are waiting or at work. */
  readonly #runs = new Map<string, AbortController>();
  readonly #previews = new Map<string, PreviewPace>();
  #bases: BaseStore | undefined;
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;

  constructor(deps: EngineDeps) {
    this.#deps = deps;
  }

  receive(message: ToEngine): void {
    if (message.type === "init") return this.#init(message);
    if (message.type === "shutdown") return this.#deps.exit(0);
    if (this.#bases === undefined) return this.#fatal(`"${message.type}" came before "init"`);
    const bases = this.#bases;
    switch (message.type) {
      case "load":
        return this.#enqueue(message.requestId, () => this.#load(bases, message));
      case "run":
        return this.#run(bases, message);
      case "cancel":
        return this.#runs.get(message.runId)?.abort();
      case "preview":
        return this.#previews.get(message.runId)?.ask();
      case "transform":
        return this.#deps.send({ type: "failed", runId: message.runId, code: "INPUT_INVALID", message: "This engine draws from text only." });
      case "unload":
        return this.#enqueue(message.basePath, () => bases.unload(message.basePath));
      case "health":
        return this.#deps.send({
          type: "health",
          requestId: message.requestId,
          residentBytes: process.memoryUsage.rss(),
        });
    }
  }

  #init({ protocol, threads }: Extract<ToEngine, { type: "init" }>): void {
    if (this.#bases !== undefined) return this.#fatal('"init" came twice');
    if (protocol !== engineProtocolVersion) {
      return this.#fatal(`protocol ${protocol} is asked for, this engine speaks ${engineProtocolVersion}`);
    }
    this.#bases = new BaseStore({ threads, maxBytes: limits.loadedBytes, hasher: this.#hasher });
    const capabilities = { task: "text-to-image", weights: "flux.1", contentTypes: ["image/png"], threads };
    this.#deps.send({ type: "ready", protocol: engineProtocolVersion, engine: this.#deps.engine, capabilities });
  }

  async #load(bases: BaseStore, message: Extract<ToEngine, { type: "load" }>): Promise<void> {
    const startMs = performance.now();
    requireAbsolute([message.basePath, ...message.adapters.map((adapter) => adapter.path)]);
    const { pipeline } = await bases.get(message.basePath);
    await pipeline.preloadAdapters(message.adapters);
    const loadMs = performance.now() - startMs;
    this.#deps.send({ type: "loaded", requestId: message.requestId, loadMs, loadCount: bases.loadCount });
  }

  #run(bases: BaseStore, run: RunMessage): void {
    if (this.#runs.has(run.runId)) return this.#fatal(`run "${run.runId}" came twice`);
    const controller = new AbortController();
    this.#runs.set(run.runId, controller);
    const previews = new PreviewPace(() => performance.now());
    this.#previews.set(run.runId, previews);
    this.#enqueue(run.runId, async () => {
      try {
        await this.#draw(bases, run, { signal: controller.signal, previews });
      } finally {
        this.#runs.delete(run.runId);
        this.#previews.delete(run.runId);
      }
    });
  }

  async #draw(bases: BaseStore, run: RunMessage, { signal, previews }: { signal: AbortSignal; previews: PreviewPace }): Promise<void> {
    const { send, engine } = this.#deps;
    const startMs = performance.now();
    requireAbsolute([run.basePath, run.outputFolder, ...run.adapters.map((adapter) => adapter.path)]);
    const deps = { bases, hasher: this.#hasher, send, engine, previews, clockMs: () => performance.now() };
    await drawRun(deps, run, signal);
    send({ type: "done", runId: run.runId, loadCount: bases.loadCount, elapsedMs: performance.now() - startMs });
  }

  /** Works requests off in order. A failed one is reported under its id (a load's request id stands for a run's). */
  #enqueue(id: string, work: () => Promise<void>): void {
    if (this.#queued >= limits.queuedRequests) {
      this.#runs.delete(id);
      this.#previews.delete(id);
      const message = `More than ${limits.queuedRequests} requests are waiting.`;
      return this.#deps.send({ type: "failed", runId: id, code: busyCode, message });
    }
    this.#queued++;
    this.#queue = this.#queue
      .then(work)
      .catch((error: unknown) => this.#report(id, error))
      .finally(() => this.#queued--);
  }

  #report(runId: string, error: unknown): void {
    const { send, log } = this.#deps;
    if (error instanceof FluxError && error.code === "CANCELLED") return send({ type: "cancelled", runId });
    const code = error instanceof FluxError ? error.code : failureCodeOf(error);
    if (!(error instanceof FluxError)) log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    const message = (error instanceof Error ? error.message : String(error)).slice(0, limits.messageCharacters);
    send({ type: "failed", runId, code, message });
  }

  #fatal(message: string): void {
    this.#deps.send({ type: "fatal", code: "PROTOCOL_INVALID", message });
    this.#deps.exit(1);
  }
}

function requireAbsolute(paths: readonly string[]): void {
  for (const path of paths) {
    if (!isAbsolute(path)) throw new FluxError("INPUT_INVALID", `"${path}" is not an absolute path.`);
  }
}
