// The durable record of one run, as the rest of the server sees it.

import type { Status } from "@atelier/schema/status";

export type TaskTime =
  | "created"
  | "accepted"
  | "preprocessStarted"
  | "preprocessEnded"
  | "assigned"
  | "started"
  | "ended"
  | "postprocessStarted"
  | "postprocessEnded"
  | "cancelled";

/** A file that a task produced. `fileKey`: its key in the file store and the unguessable part of its URL. */
export interface TaskOutput {
  readonly id: string;
  readonly name: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly accessKey: string;
  readonly fileKey: string;
  readonly addedAt: Date;
}

export interface Task {
  /** Decimal digits. */
  readonly id: string;
  readonly projectId: string;
  readonly projectUuid: string;
  /** Task token: 30 letters and digits. */
  readonly token: string;
  /** Clean `owner/slug`. */
  readonly model: string;
  readonly modelId: string;
  /** The variant that runs or ran it; null until a worker has chosen. */
  readonly variant: string | null;
  readonly status: Status;
  readonly attempt: number;
  /** The request as it came. */
  readonly parameters: Record<string, unknown>;
  /** The validated input, defaults and drawn seed included. */
  readonly input: Record<string, unknown>;
  readonly callbackUrl: string;
  /** US dollars per second, 12 decimals. */
  readonly cps: string;
  /** Seconds from accept to the end of the engine run, 4 decimals. */
  readonly elapsedSeconds: string;
  /** US dollars, 12 decimals. */
  readonly totalCost: string;
  /** Exit code as text; null while the task runs. */
  readonly pexit: string | null;
  readonly debugOutput: string;
  readonly debugError: string;
  /** What redoes the pictures: engine, weights hashes, sizes. */
  readonly provenance: Record<string, unknown> | null;
  /** 32 hex digits. */
  readonly outputFolderId: string;
  readonly times: Readonly<Record<TaskTime, Date | null>>;
  readonly outputs: readonly TaskOutput[];
}

/** The two ways a caller names a task; where both are given they must agree. */
export interface TaskReference {
  readonly projectId: string;
  readonly id?: string | undefined;
  readonly token?: string | undefined;
}
