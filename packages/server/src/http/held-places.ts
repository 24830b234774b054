// Bounds the requests that keep their connection: each has a place until its connection closes.

import type { ServerResponse } from "node:http";

import { AtelierError } from "../errors.ts";

export class HeldPlaces {
  readonly #most: number;
  readonly #open = new Set<AbortController>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The controller is aborted when the connection closes, also after a complete answer, and at once where it closed
   *  before now. Throws SERVER_UNAVAILABLE when all places are taken. */
  take(response: ServerResponse): AbortController {
    if (this.#open.size >= this.#most) throw new AtelierError("SERVER_UNAVAILABLE");
    const controller = new AbortController();
    this.#open.add(controller);
    const leave = (): void => {
      this.#open.delete(controller);
      controller.abort();
    };
    // A connection that closed while the request waited for something says so no more.
    if (response.destroyed) leave();
    else response.once("close", leave);
    return controller;
  }

  /** Tells all that the server stops. */
  abortAll(): void {
    for (const controller of this.#open) controller.abort();
  }
}

/** Calls `work` once: when the signal is aborted, or now where it was. */
export function whenAborted(signal: AbortSignal, work: () => void): void {
  if (signal.aborted) work();
  else signal.addEventListener("abort", work, { once: true });
}
