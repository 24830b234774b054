// Previews on their way through reports: shown to whoever looks, kept by nobody.

import { previewSchema } from "@atelier/schema/engine-messages";
import { isProgress } from "@atelier/schema/wire-frame";

import type { Preview } from "../events/preview-feed.ts";

/** The preview in the data of a report; undefined where there is none, or none that may be shown. */
export function previewIn(data: unknown): Preview | undefined {
  if (!isProgress(data)) return undefined;
  const image = previewSchema.safeParse(data.preview);
  return image.success ? { step: data.step, stepTotal: data.stepTotal, image: image.data } : undefined;
}

/** What is stored of the data of a report. */
export function withoutPreview(data: unknown): unknown {
  if (typeof data !== "object" || data === null || !("preview" in data)) return data;
  const { preview: _shown, ...kept } = data;
  return kept;
}
