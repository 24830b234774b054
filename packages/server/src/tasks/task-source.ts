// The port between a worker and whoever has the tasks: the server in its own process, or one that it reaches over HTTP.

import type { Manifest } from "@atelier/schema/manifest";
import type { Status } from "@atelier/schema/status";

/** One try of one worker at one task. With the worker's id, which the source knows, it is the fence of every report. */
export interface Lease {
  readonly taskId: string;
  readonly attempt: number;
}

export interface ClaimOffer {
  /** Places that are free: as many tasks may be given at once. */
  readonly free: number;
  /** All places, where runs that wait for their end to be written hold none. Default: those that are free, and one for each of `held`. */
  readonly places?: number;
  /** Clean names of the models that this worker can run now. */
  readonly models: readonly string[];
  /** Those of them whose base and adapters an engine has loaded, and those of which one has the base with others: they go
   *  first for a while, `limits.warmFirstMs` at most. */
  readonly warm?: readonly string[];
  readonly warmBases?: readonly string[];
  /** All that the worker holds: what is leased to it besides has been lost on the way, and may be given to others. */
  readonly held: readonly Lease[];
}

export interface AssignedTask extends Lease {
  /** Clean name of its model. */
  readonly model: string;
  readonly manifest: Manifest;
  /** Validated values. */
  readonly input: Record<string, unknown>;
  /** Of the event by which it was claimed. */
  readonly eventSeq: number;
}

/** A move to `status`, with what the event shall carry. */
export interface Report {
  readonly status: Status;
  readonly data?: unknown;
  readonly variant?: string | undefined;
  /** When it happened, by this process's `performance.now()`. Default: as it is written. */
  readonly atMs?: number;
}

/** A file that an engine wrote. */
export interface OutputFile {
  /** Place among the outputs, from 0. */
  readonly index: number;
  readonly path: string;
  readonly contentType: string;
  /** Of its name, with the dot. Default: that of `path`. */
  readonly extension?: string;
}

export interface FinishedRun {
  /** What was not yet reported, up to `task_postprocess_start`. */
  readonly reports?: readonly Report[];
  readonly outputs: readonly OutputFile[];
  readonly debugOutput: string;
  /** What the engine wrote to stderr though its run went well. Default: "". */
  readonly debugError?: string;
  readonly provenance: unknown;
}

export interface FailedRun {
  /** True when the engine broke: the task is tried again, a bounded number of times. False when the run itself failed. */
  readonly mayRetry: boolean;
  readonly debugError: string;
  readonly debugOutput: string;
}

/** Every method that takes a lease resolves to false, having changed nothing, when the lease is no longer this worker's:
 *  its task was killed, rescued or ended. All of them throw SERVER_UNAVAILABLE when the source cannot be reached. */
export interface TaskSource {
  /** Whether a place is free again as soon as its engine is done, though the end of its run is still to be written: the source then
   *  watches over the budgets. Otherwise when that is written. */
  readonly freesPlacesEarly: boolean;
  /** The models that the source knows. */
  models(): Promise<readonly Manifest[]>;
  /** Waits for tasks that the offer fits, one at least and no more than it has places; one claim at a time. Resolves to none
   *  after a while, and soon after `signal` is aborted: tasks that were claimed in that moment are returned all the same, and
   *  must be run or put back. */
  claim(offer: ClaimOffer, signal: AbortSignal): Promise<readonly AssignedTask[]>;
  /** Renews the leases of `held`, and resolves to those that are still this worker's. */
  renew(held: readonly Lease[]): Promise<readonly Lease[]>;
  /** Waits until one of `held` is killed, and resolves to those that were. Resolves to none after a while, when `signal` is
   *  aborted, and when a kill may have been missed: `renew` tells then. */
  watch(held: readonly Lease[], signal: AbortSignal): Promise<readonly Lease[]>;
  /** Moves the task on, one report after the other. They are read once, when they are written; where there are none by then,
   *  nothing is done, and the answer is true. */
  report(lease: Lease, reports: Iterable<Report>): Promise<boolean>;
  /** Whether somebody looks at the task and would see previews in the data of its reports: as far as the source knows now. */
  wantsPreviews(lease: Lease): boolean;
  /** Copies the file that the task's input names by `fileKey` to `path`. Throws WORKER_INPUT_MISSING when the input names no
   *  such file or its bytes are gone; any other error is of the store, the network or the disk. */
  readInput(lease: Lease, fileKey: string, path: string): Promise<boolean>;
  /** Stores the outputs durably, then moves the task on by the last reports and ends it well, both or nothing. Outputs of a
   *  lost lease never appear. Throws WORKER_MESSAGE_INVALID or WORKER_UPLOAD_TOO_LARGE for what it would refuse again; any other
   *  error is of the store, the network or the disk. */
  finish(lease: Lease, run: FinishedRun): Promise<boolean>;
  /** Ends the task badly, or returns it to the queue where it may be tried again. */
  fail(lease: Lease, run: FailedRun): Promise<boolean>;
  /** Returns the task to the queue unharmed. */
  putBack(lease: Lease): Promise<boolean>;
  /** The last call. */
  close(): Promise<void>;
}

/** What a lease is known by among others. */
export function leaseKey(lease: Lease): string {
  return `${lease.taskId}:${lease.attempt}`;
}
