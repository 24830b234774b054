// Decides when a run may spend time on a preview: only when somebody looks, and then a tenth of its time at most.

import { limits } from "./limits.ts";

export class PreviewPace {
  readonly #clockMs: () => number;
  #isAsked = false;
  #beganMs = 0;
  /** No preview before this. */
  #nextMs = 0;
  #isFirst = true;

  constructor(clockMs: () => number) {
    this.#clockMs = clockMs;
  }

  /** Somebody looks. */
  ask(): void {
    this.#isAsked = true;
  }

  /** Whether to make one now; `made` tells when it is done. */
  readonly isDue = (): boolean => {
    this.#beganMs = this.#clockMs();
    return this.#isAsked && this.#beganMs >= this.#nextMs;
  };

  made(): void {
    const endedMs = this.#clockMs();
    // The first one of a process loads code and warms the decoder: what it takes says nothing about the next.
    const costMs = this.#isFirst ? 0 : endedMs - this.#beganMs;
    this.#isFirst = false;
    this.#nextMs = endedMs + Math.max(limits.previewGapMs, costMs * (1 / limits.previewShare - 1));
  }
}
