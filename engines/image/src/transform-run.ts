// One run: its files turned into one output, with progress, and nothing left when it does not end well.

import { rename, rm, writeFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";

import type { EngineInputFile, FromEngine, ToEngine } from "@atelier/schema/engine-messages";
import type { Sharp } from "sharp";

import { contactSheet } from "./contact-sheet.ts";
import { outputForm } from "./encode-output.ts";
import { enlarge } from "./enlarge.ts";
import { TransformError } from "./transform-error.ts";

export type TransformMessage = Extract<ToEngine, { type: "transform" }>;

/** What an operation is given. */
export interface Work {
  readonly values: Readonly<Record<string, unknown>>;
  filesOf(parameter: string): readonly EngineInputFile[];
  /** Called once with the number of steps before the output is encoded. */
  plan(steps: number): void;
  /** Called after each; throws CANCELLED when the run was cancelled. */
  step(): void;
}

/** Returns what is to be encoded, and how its decoding failures are told. */
export type Operation = (work: Work) => Promise<{ readonly pipeline: Sharp; readonly asFailure: (error: unknown) => unknown }>;

export const operations: Readonly<Record<string, Operation>> = Object.freeze({ enlarge, "contact-sheet": contactSheet });

export interface TransformDeps {
  readonly send: (message: FromEngine) => void;
  readonly signal: AbortSignal;
  /** Milliseconds from any fixed moment. */
  readonly clockMs: () => number;
}

/** Reports started, progress and the output; the caller reports how it ended. A cancelled run ends at once: what the library
 *  still computes is thrown away. */
export async function transformRun(deps: TransformDeps, message: TransformMessage): Promise<void> {
  const { runId, values, outputFolder } = message;
  const operation = Object.hasOwn(operations, message.operation) ? operations[message.operation] : undefined;
  if (!operation) throw new TransformError("INPUT_INVALID", `There is no operation "${message.operation}".`);
  if (![outputFolder, ...message.files.map((file) => file.path)].every(isAbsolute)) {
    throw new TransformError("INPUT_INVALID", "A path is not absolute.");
  }
  deps.send({ type: "started", runId });
  const steps = new StepCounter(deps, runId);
  const { contentType, ending, encode } = outputForm(values);
  const path = join(outputFolder, `0${ending}`);
  try {
    const filesOf = (parameter: string) => message.files.filter((file) => file.parameter === parameter);
    const work = { values, filesOf, plan: (count: number) => steps.plan(count + 1), step: () => steps.step() };
    const { pipeline, asFailure } = await untilCancelled(operation(work), deps.signal);
    // Written by itself, so that a full disk is not taken for a damaged picture.
    const encoded = encode(pipeline).toBuffer().catch((error: unknown) => {
      throw asFailure(error);
    });
    await writeFile(`${path}.part`, await untilCancelled(encoded, deps.signal));
    await rename(`${path}.part`, path);
    steps.step();
    deps.send({ type: "output", runId, index: 0, path, contentType });
  } catch (error) {
    for (const made of [path, `${path}.part`]) await rm(made, { force: true });
    throw error;
  }
}

async function untilCancelled<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  // Its own failure comes too late when the run was cancelled.
  work.catch(() => undefined);
  let stop = (): void => undefined;
  const cancelled = new Promise<never>((_resolve, reject) => {
    stop = () => reject(new TransformError("CANCELLED", "The run was cancelled."));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, cancelled]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

class StepCounter {
  readonly #deps: TransformDeps;
  readonly #runId: string;
  readonly #startMs: number;
  #total = 1;
  #done = 0;

  constructor(deps: TransformDeps, runId: string) {
    this.#deps = deps;
    this.#runId = runId;
    this.#startMs = deps.clockMs();
  }

  plan(total: number): void {
    this.#total = total;
  }

  step(): void {
    if (this.#deps.signal.aborted) throw new TransformError("CANCELLED", "The run was cancelled.");
    this.#done += 1;
    const secondsPerStep = (this.#deps.clockMs() - this.#startMs) / 1000 / this.#done;
    this.#deps.send({ type: "progress", runId: this.#runId, index: 0, step: this.#done, stepTotal: this.#total, secondsPerStep });
  }
}
