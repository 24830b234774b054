// Whether a request is within what a pipeline draws.

import { FluxError } from "./errors.ts";
import { limits } from "./limits.ts";
import type { GenerateRequest, PictureRequest } from "./pipeline.ts";

/** Throws INPUT_INVALID. */
export function checkRequest(request: GenerateRequest): void {
  const { seed, samples, widthPixels, heightPixels } = request;
  requireWhole("seed", seed, { min: 0, max: 2 ** 32 - 1 });
  requireWhole("samples", samples, { min: 1, max: Number.MAX_SAFE_INTEGER });
  requireWhole("widthPixels", widthPixels, { min: 1, max: limits.sidePixels });
  requireWhole("heightPixels", heightPixels, { min: 1, max: limits.sidePixels });
}

/** Throws INPUT_INVALID. */
export function checkBatch(pictures: readonly PictureRequest[], steps: number): void {
  requireWhole("pictures", pictures.length, { min: 1, max: limits.batch });
  requireWhole("steps", steps, { min: 1, max: limits.steps });
  for (const { prompt, seed, guidanceScale, adapters } of pictures) {
    requireWhole("seed", seed, { min: 0, max: 2 ** 32 - 1 });
    requireWhole("prompt length", prompt.length, { min: 0, max: limits.promptCharacters });
    requireWhole("adapters", adapters.length, { min: 0, max: limits.adaptersPerPicture });
    if (![guidanceScale, ...adapters.map((adapter) => adapter.weight)].every(Number.isFinite)) {
      throw new FluxError("INPUT_INVALID", "The guidance scale and adapter weights must be finite numbers.");
    }
  }
}

function requireWhole(name: string, value: number, { min, max }: { min: number; max: number }): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new FluxError("INPUT_INVALID", `${name} is ${value}; it must be a whole number from ${min} to ${max}.`);
}
