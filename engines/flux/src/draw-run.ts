// One run: its pictures drawn one by one, enlarged and written to the output folder.

import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FromEngine, ToEngine } from "@atelier/schema/engine-messages";
import type { FileHasher } from "@atelier/flux/file-hash";
import type { Picture, StepReport } from "@atelier/flux/pipeline";
import type { BaseStore, LoadedBase } from "./base-store.ts";
import { encodePicture } from "./encode-picture.ts";
import { encodePreview } from "./encode-preview.ts";
import type { PictureFacts } from "./picture-metadata.ts";
import type { PreviewPace } from "./preview-pace.ts";
import { modelsFolderOf, verifiedHash } from "./verify-weights.ts";

export type RunMessage = Extract<ToEngine, { type: "run" }>;

export interface DrawDeps {
  readonly bases: BaseStore;
  readonly hasher: FileHasher;
  readonly send: (message: FromEngine) => void;
  readonly previews: PreviewPace;
  /** Name and version, for the pictures' metadata. */
  readonly engine: string;
  /** Milliseconds from any fixed moment. */
  readonly clockMs: () => number;
}

/** Draws a run and reports started, progress and outputs; the caller reports how it ended.
 *  Rejects with CANCELLED, a weights error, or an error of the file system; no file of the run is left then. */
export async function drawRun(deps: DrawDeps, run: RunMessage, signal: AbortSignal): Promise<void> {
  const { send, clockMs, previews } = deps;
  const { runId } = run;
  const written: string[] = [];
  try {
    const base = await deps.bases.get(run.basePath);
    const adapters = await adapterHashes(deps, run);
    await base.pipeline.preloadAdapters(run.adapters);
    send({ type: "started", runId });
    const startMs = clockMs();
    const onStep = async ({ preview, ...report }: StepReport): Promise<void> => {
      const shown = preview && (await encodePreview(preview));
      if (preview) previews.made();
      const secondsPerStep = (clockMs() - startMs) / 1000 / report.step;
      send({ type: "progress", runId, ...report, secondsPerStep, ...(shown !== undefined && { preview: shown }) });
    };
    const request = { ...run.input, adapters: run.adapters };
    for await (const picture of base.pipeline.generate(request, { signal, onStep, wantsPreview: previews.isDue })) {
      const facts = pictureFacts(deps, { run, base, adapters, picture });
      const path = join(run.outputFolder, `${picture.index}.png`);
      written.push(path, `${path}.part`);
      const enlarged = await base.pipeline.enlarge(picture, run.input);
      await writeFile(`${path}.part`, await encodePicture(enlarged, facts));
      await rename(`${path}.part`, path);
      send({ type: "output", runId, index: picture.index, path, contentType: "image/png" });
    }
  } catch (error) {
    for (const path of written) await rm(path, { force: true });
    throw error;
  }
}

async function adapterHashes(deps: DrawDeps, run: RunMessage): Promise<PictureFacts["adapters"]> {
  const hashes: { sha256: string; weight: number }[] = [];
  for (const { path, weight } of run.adapters) {
    hashes.push({ sha256: await verifiedHash(path, modelsFolderOf("adapter", path), deps.hasher), weight });
  }
  return hashes;
}

function pictureFacts(
  deps: DrawDeps,
  drawn: { run: RunMessage; base: LoadedBase; adapters: PictureFacts["adapters"]; picture: Picture },
): PictureFacts {
  const { run, base, adapters, picture } = drawn;
  const { prompt, steps, guidanceScale, widthPixels, heightPixels } = run.input;
  return {
    engine: deps.engine,
    labels: run.metadata,
    base: base.hashes,
    adapters,
    prompt,
    seed: picture.seed,
    steps,
    guidanceScale,
    guidanceScaleUsed: picture.guidanceScale,
    renderedPixels: [picture.widthPixels, picture.heightPixels],
    requestedPixels: [widthPixels, heightPixels],
  };
}
