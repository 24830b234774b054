// The durable record of one run, as the rest of the server sees it.

import type { WireOutputSource, WireTaskSource, WireTaskTime } from "@atelier/schema/wire-task";

export type TaskTime = WireTaskTime;

/** A file that a task produced. `fileKey`: its key in the file store and the unguessable part of its URL. */
export type TaskOutput = WireOutputSource;

/** What callers are shown of a task, and what only the server knows of it. */
export interface Task extends WireTaskSource {
  /** The variant that runs or ran it; null until a worker has chosen. */
  readonly variant: string | null;
  readonly attempt: number;
  /** The validated input, defaults and drawn seed included. */
  readonly input: Record<string, unknown>;
  /** What redoes the pictures: engine, weights hashes, sizes. */
  readonly provenance: Record<string, unknown> | null;
}

/** The two ways a caller names a task; where both are given they must agree. */
export interface TaskReference {
  readonly projectId: string;
  readonly id?: string | undefined;
  readonly token?: string | undefined;
}
