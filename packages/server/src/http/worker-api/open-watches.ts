// Ends each watch for kills with its connection, and all of them with the server.

/** No `AbortSignal.any` of the connection's signal and one of the server's: on Node 20 something of each such signal stays until the
 *  server ends, and a busy one has millions of watches. */
export class OpenWatches {
  readonly #stops = new Set<AbortController>();
  #isClosing = false;

  async watch<Result>(gone: AbortSignal, use: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const stop = new AbortController();
    const end = (): void => stop.abort();
    if (this.#isClosing || gone.aborted) end();
    gone.addEventListener("abort", end, { once: true });
    this.#stops.add(stop);
    try {
      return await use(stop.signal);
    } finally {
      this.#stops.delete(stop);
      gone.removeEventListener("abort", end);
    }
  }

  close(): void {
    this.#isClosing = true;
    for (const stop of this.#stops) stop.abort();
  }
}
