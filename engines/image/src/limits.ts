// Every named upper bound of the engine, each with its reason.

export const limits = Object.freeze({
  /** Runs waiting behind the one at work; the server sends one at a time. */
  queuedRuns: 64,
  /** Pixels of a picture that is read: the server's own bound for uploads. */
  inputPixels: 100_000_000,
  /** Pixels of an enlarged picture: 256 MB once decoded, and about ten seconds to encode as PNG. */
  enlargedPixels: 64_000_000,
  /** Either side of an output: the longest that JPEG and WebP both take. */
  sidePixels: 16_383,
  /** Pixels of a contact sheet, which is held in memory with three bytes each. */
  sheetPixels: 40_000_000,
  /** Characters of a failure's text. */
  messageCharacters: 2_000,
});
