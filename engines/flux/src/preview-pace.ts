// Decides when a run may spend time on a preview: only when somebody looks, and then a tenth of its time at most.

import { limits } from "./limits.ts";

export class PreviewPace {
  readonly #clockMs: () => number;
  #isAsked = false;
  #beganMs = 0;
  /** No preview before this. */
  #nextMs = 0;

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
    const costMs = endedMs - this.#beganMs;
    this.#nextMs = endedMs + Math.max(limits.previewGapMs, costMs * (1 / limits.previewShare - 1));
  }
}
