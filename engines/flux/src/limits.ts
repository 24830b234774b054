// Every named upper bound of the engine, each with its reason.

export const limits = Object.freeze({
  /** Runs and loads waiting behind the one at work; the server sends one at a time. */
  queuedRequests: 64,
  /** Weights kept loaded, counted as float32; the least recently used base leaves first. */
  loadedBytes: 4 * 1024 ** 3,
  /** A weights.json: 40 entries take 8 kB. */
  weightsListBytes: 4 * 1024 * 1024,
  /** What previews may take of a run's time, and the shortest time between two. */
  previewShare: 0.1,
  previewGapMs: 250,
  /** Characters of a failure's text: paths and ONNX Runtime's own words fit. */
  messageCharacters: 2_000,
});
