// Expected failures of this package, each with a stable code and a text that says what happened and to which file.

export type FluxErrorCode =
  /** A file of the model or an adapter does not exist or cannot be read. */
  | "WEIGHTS_MISSING"
  /** A file exists, but is truncated, altered, malformed or not what its place asks for. */
  | "WEIGHTS_INVALID"
  /** A file is sound, but of a kind this version does not run. */
  | "MODEL_UNSUPPORTED"
  /** Values of a run that no model can draw (sizes, steps, batches of unequal text). */
  | "INPUT_INVALID"
  /** The caller's signal was aborted. */
  | "CANCELLED";

/** An expected failure. `path`: the file it is about, when there is one (also named in `message`). */
export class FluxError extends Error {
  readonly code: FluxErrorCode;
  readonly path: string | undefined;

  constructor(code: FluxErrorCode, message: string, options: { path?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "FluxError";
    this.code = code;
    this.path = options.path;
  }
}

/** A failure of one file: the text begins with its path. */
export function fileError(code: FluxErrorCode, path: string, what: string, cause?: unknown): FluxError {
  return new FluxError(code, `${path}: ${what}`, cause === undefined ? { path } : { path, cause });
}
