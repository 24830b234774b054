// Messages between a remote worker and its server over HTTP (docs/worker-api.md). Every message has a golden test.

import { z } from "zod";

import { manifestSchema } from "./manifest.ts";
import { leasedStatuses, statuses } from "./status.ts";

/** Raised when a worker of one version can no longer work for a server of the other. */
export const workerProtocolVersion = 2;

/** Headers of every request of a worker, beside `authorization: Bearer TOKEN`. */
export const workerHeaders = Object.freeze({
  protocol: "x-atelier-worker-protocol",
  /** A UUID that the worker's process draws when it starts. */
  worker: "x-atelier-worker-id",
});

const attemptSchema = z.int().min(1).max(2 ** 31 - 1);
/** Number of an event of the task's log. */
const eventSeqSchema = z.int().min(0).max(2 ** 31 - 1);
const taskIdSchema = z.string().regex(/^[0-9]{1,18}$/);

export const leaseSchema = z.object({ taskId: taskIdSchema, attempt: attemptSchema });

/** No worker holds more at once. */
const heldSchema = z.array(leaseSchema).max(256);

export const modelsAnswerSchema = z.object({
  /** Changes when the models do. */
  version: z.string(),
  models: z.array(manifestSchema),
});

const modelNamesSchema = z.array(z.string().max(300)).max(10_000);

export const claimMessageSchema = z.object({
  /** Clean names of the models that this worker can run now. */
  models: modelNamesSchema,
  /** Those whose base and adapters one of its engines has loaded, and those of which one has the base with other adapters. */
  warm: modelNamesSchema.default([]),
  warmBases: modelNamesSchema.default([]),
  /** All that it holds, when the answer to its last claim was lost: what else is leased to it goes back to the queue. */
  recover: heldSchema.optional(),
});

export const claimAnswerSchema = z.object({
  modelsVersion: z.string(),
  task: z
    .object({ taskId: taskIdSchema, attempt: attemptSchema, model: z.string(), input: z.record(z.string(), z.unknown()), eventSeq: eventSeqSchema })
    .nullable(),
});

export const heldMessageSchema = z.object({ held: heldSchema });
export const leasesAnswerSchema = z.object({ leases: z.array(leaseSchema) });

/** What a worker may report: every step between the claim, which the server makes, and the end, which it decides. */
const reportable = statuses.filter((status) => leasedStatuses.includes(status) && status !== "task_accept");

export const reportMessageSchema = z.object({
  reports: z
    .array(z.object({ status: z.enum(reportable), data: z.unknown().optional(), variant: z.string().max(300).optional() }))
    .min(1)
    .max(64),
  /** The last event of the attempt that the worker knows of: that of its claim, and one more for each report since. A message
   *  that comes again, or late, changes nothing. */
  afterSeq: eventSeqSchema,
});

export const declaredOutputSchema = z.object({
  index: z.int().min(0).max(999),
  /** With its dot; empty for none. */
  extension: z.string().regex(/^(\.[A-Za-z0-9]{1,16})?$/),
  contentType: z.string().regex(/^[\w.+-]{1,100}\/[\w.+-]{1,100}$/),
  sizeBytes: z.int().min(0),
  /** 64 hexadecimal digits. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export const finishMessageSchema = z.object({
  outputs: z.array(declaredOutputSchema).max(1_000),
  debugOutput: z.string(),
  debugError: z.string().optional(),
  provenance: z.unknown(),
  isRepeated: z.boolean(),
});

export const failMessageSchema = z.object({ mayRetry: z.boolean(), debugError: z.string(), debugOutput: z.string() });

export const emptyMessageSchema = z.object({});
export const doneAnswerSchema = z.object({ done: z.literal(true) });
/** `previews`: somebody looks at the task. */
export const reportAnswerSchema = doneAnswerSchema.extend({ previews: z.boolean().optional() });
export const offsetAnswerSchema = z.object({ offset: z.int().min(0) });

export type ClaimMessage = z.infer<typeof claimMessageSchema>;
export type ReportMessage = z.infer<typeof reportMessageSchema>;
export type DeclaredOutput = z.infer<typeof declaredOutputSchema>;
export type FinishMessage = z.infer<typeof finishMessageSchema>;
