// What tests of the engine's process share: a folder of random models, engines that are stopped after each test, runs.

import { cp, mkdir, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import type { ToEngine } from "@atelier/schema/engine-messages";
import { writeRandomAdapter, writeRandomModel } from "@atelier/flux/random-model";
import { buildEngine, EngineChild } from "./engine-child.ts";

export type Run = Extract<ToEngine, { type: "run" }>;
export type RunChange = Partial<Omit<Run, "input">> & { input?: Partial<Run["input"]> };

/** Tools for the tests of one file; `folder`, `base` and `adapter` are there once the tests run. */
export interface EngineTools {
  /** Holds the models folder, `models/`, and everything else. */
  readonly folder: () => string;
  readonly base: () => string;
  readonly adapter: () => string;
  /** A fresh engine, stopped after the test; `init` is sent unless told otherwise. */
  readonly start: (options?: { init?: boolean; nodeArguments?: readonly string[] }) => EngineChild;
  /** A copy of the models folder, for tests that damage it. */
  readonly copyOfModels: () => Promise<string>;
  /** A run message with an output folder of its own. */
  readonly run: (change?: RunChange) => Promise<Run>;
}

/** Builds the engine and registers the hooks that make and remove everything. */
export function useEngine(): EngineTools {
  let folder = "";
  let count = 0;
  const running: EngineChild[] = [];
  const inFolder = (path: string) => () => join(folder, path);
  const base = inFolder("models/starter");
  const adapter = inFolder("models/adapters/random.safetensors");

  beforeAll(async () => {
    buildEngine();
    folder = await mkdtemp(join(tmpdir(), "atelier-engine-"));
    await writeRandomModel(base(), { nativePixels: 64 });
    await writeRandomAdapter(adapter());
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((child) => child.stop()));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  return {
    folder: () => folder,
    base,
    adapter,
    start: ({ init = true, nodeArguments = [] } = {}) => {
      const child = new EngineChild(nodeArguments);
      running.push(child);
      if (init) child.send({ type: "init", protocol: 1, threads: 2 });
      return child;
    },
    copyOfModels: async () => {
      const copy = join(folder, `models-${count++}`);
      await cp(join(folder, "models"), copy, { recursive: true });
      return copy;
    },
    run: async (change = {}) => {
      const outputFolder = change.outputFolder ?? join(folder, `out-${count++}`);
      if (change.outputFolder === undefined) await mkdir(outputFolder);
      const defaults = { runId: `run-${count++}`, basePath: base(), adapters: [], metadata: defaultMetadata };
      return { type: "run", ...defaults, ...change, outputFolder, input: { ...defaultInput, ...change.input } };
    },
  };
}

const defaultMetadata = { variant: "cpu", model: "atelier/starter" };

const defaultInput = {
  prompt: "a red planet, ünïcode ☾",
  steps: 3,
  guidanceScale: 20,
  seed: 4294967295,
  widthPixels: 96,
  heightPixels: 80,
  samples: 1,
};

/** Sends a run, waits until it is done and reads what it wrote. */
export async function drawWith(child: EngineChild, message: Run) {
  child.send(message);
  const done = await child.next("done", ({ runId }) => runId === message.runId);
  const files = (await readdir(message.outputFolder)).toSorted();
  const pictures = await Promise.all(files.map((file) => readFile(join(message.outputFolder, file))));
  return { done, files, pictures };
}
