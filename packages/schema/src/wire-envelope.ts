// The object around every answer of the wire (docs/wire-contract.md, "Envelope").

export interface WireError {
  readonly code: number;
  readonly message: string;
  /** Unix seconds, the one time on the wire that is a number. */
  readonly time: number;
}

export interface FailureEnvelope {
  readonly result: false;
  readonly errors: readonly WireError[];
}

export type SuccessEnvelope<Fields> = Fields & { readonly result: true; readonly errors: readonly [] };

/** Payload fields sit beside `result` and `errors`, never inside a wrapper. */
export function successEnvelope<Fields extends object>(fields: Fields): SuccessEnvelope<Fields> {
  return { ...fields, errors: [], result: true };
}

/** Errors are objects: given strings, two official clients lose the text. */
export function failureEnvelope(failure: { code: number; message: string; at: Date }): FailureEnvelope {
  const { code, message, at } = failure;
  return { result: false, errors: [{ code, message, time: Math.floor(at.getTime() / 1000) }] };
}
