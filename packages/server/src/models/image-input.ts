// What a run of a FLUX.1 model needs, from the values under its manifest's parameter names.

import { imageInputSchema } from "@atelier/schema/engine-messages";
import type { ImageInput } from "@atelier/schema/engine-messages";

/** The parameter of a manifest that gives each value, and the value where the manifest has no such parameter or the run none.
 *  Source of the defaults: diffusers, FluxPipeline. Seed 0: without the parameter the same picture each time. */
const inputs = {
  prompt: { parameter: "prompt", otherwise: "" },
  steps: { parameter: "steps", otherwise: 28 },
  guidanceScale: { parameter: "scale", otherwise: 3.5 },
  seed: { parameter: "seed", otherwise: 0 },
  widthPixels: { parameter: "width", otherwise: 1024 },
  heightPixels: { parameter: "height", otherwise: 1024 },
  samples: { parameter: "samples", otherwise: 1 },
} as const satisfies Record<keyof ImageInput, { parameter: string; otherwise: string | number }>;

/** Validated values under the names of the manifest's parameters, as the engine message wants them. Throws a ZodError where
 *  `imageInputProblem` tells of one. */
export function imageInputOf(values: Readonly<Record<string, unknown>>): ImageInput {
  return imageInputSchema.parse(named(values));
}

/** The first parameter whose value no engine can take, and why; undefined when all is well. */
export function imageInputProblem(values: Readonly<Record<string, unknown>>): { parameter: string; text: string } | undefined {
  const parsed = imageInputSchema.safeParse(named(values));
  const [issue] = parsed.error?.issues ?? [];
  if (!issue) return undefined;
  // The schema is flat: each path is one of its names.
  return { parameter: inputs[issue.path[0] as keyof ImageInput].parameter, text: issue.message };
}

function named(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(inputs).map(([name, { parameter, otherwise }]) => [name, values[parameter] ?? otherwise]));
}
