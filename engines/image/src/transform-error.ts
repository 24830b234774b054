// What can go wrong with a run for reasons that its caller can mend.

export type TransformFailure = "INPUT_UNREADABLE" | "INPUT_TOO_LARGE" | "OUTPUT_TOO_LARGE" | "INPUT_INVALID" | "CANCELLED";

/** `message` is shown to the caller. */
export class TransformError extends Error {
  readonly code: TransformFailure;

  constructor(code: TransformFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TransformError";
    this.code = code;
  }
}
