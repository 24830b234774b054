// What a picture says about itself: everything needed to draw it again, and nothing that changes from run to run
// (no id, no time), so that the same input gives the same file.

import type { PngText } from "./png-text.ts";

export interface PictureFacts {
  readonly engine: string;
  /** From the server: model, variant. */
  readonly labels: Readonly<Record<string, string>>;
  /** SHA-256 of the base model's weights and vocabulary, by their paths in its folder. */
  readonly base: Readonly<Record<string, string>>;
  readonly adapters: readonly { readonly sha256: string; readonly weight: number }[];
  readonly prompt: string;
  readonly seed: number;
  readonly steps: number;
  /** As asked for, and as it acted (null: the base has no guidance). */
  readonly guidanceScale: number;
  readonly guidanceScaleUsed: number | null;
  readonly renderedPixels: readonly [width: number, height: number];
  readonly requestedPixels: readonly [width: number, height: number];
}

/** The texts of one picture: the prompt as its description, the software, and all facts as JSON under `atelier`. */
export function pictureTexts(facts: PictureFacts): PngText[] {
  const { labels, ...rest } = facts;
  const sorted = Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return [
    { keyword: "Software", text: `Atelier ${facts.engine}` },
    { keyword: "Description", text: facts.prompt },
    { keyword: "atelier", text: JSON.stringify({ ...sorted, ...rest }) },
  ];
}
