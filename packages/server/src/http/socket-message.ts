// Reads what a socket's client says (docs/wire-contract.md, "WebSocket").

import { largestSeq } from "../db/queries/events.ts";

export interface TaskSubscription {
  readonly token: string;
  /** Events up to this one are not sent again; undefined when the client did not say, which no old client does. */
  readonly afterSeq: number | undefined;
  /** The client wants to see the picture while it is drawn. */
  readonly wantsPreviews: boolean;
}

/** The task that a text frame asks for; undefined for every other frame, known or not, which are dropped silently. A token
 *  that is not text is "": no task has it. */
export function readSubscription(frame: string): TaskSubscription | undefined {
  const fields = parseObject(frame);
  if (fields?.["type"] !== "task_info") return undefined;
  const { tasktoken, afterseq, preview } = fields;
  return {
    token: typeof tasktoken === "string" ? tasktoken.trim() : "",
    afterSeq: isSeq(afterseq) ? afterseq : undefined,
    wantsPreviews: preview === true,
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    // Any object may be looked into; what is found is checked.
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Not JSON, so of no known type.
    return undefined;
  }
}

function isSeq(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= largestSeq;
}
