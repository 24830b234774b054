// The settings of what is kept and for how long. Without any of them everything is kept: what is deleted cannot be had back.

import { z } from "zod";

/** Each limit alone is enough to remove something; undefined: no limit. */
export interface Retention {
  /** Ended tasks with all that hangs on them: events, outputs, callbacks. Their ledger lines stay. */
  readonly tasks: KeepLimits;
  /** The event logs of ended tasks; the last event of each stays with the task. `count`: tasks. */
  readonly events: KeepLimits;
  /** Pictures of ended tasks; the record of the task stays. */
  readonly files: { readonly days?: number | undefined; readonly bytes?: number | undefined };
  /** Callbacks that were delivered or abandoned. */
  readonly deliveries: { readonly days?: number | undefined };
}

export interface KeepLimits {
  readonly days?: number | undefined;
  /** How many of the newest. */
  readonly count?: number | undefined;
}

export const retentionVariables = {
  ATELIER_KEEP_TASKS_DAYS: days(),
  ATELIER_KEEP_TASKS_COUNT: count(),
  ATELIER_KEEP_EVENTS_DAYS: days(),
  ATELIER_KEEP_EVENTS_COUNT: count(),
  ATELIER_KEEP_FILES_DAYS: days(),
  ATELIER_KEEP_FILES_GIB: z
    .string()
    .regex(/^\s*\d{1,6}(\.\d{1,3})?\s*$/, "must be a number of GiB such as 50 or 0.5")
    .transform((value) => Math.round(Number(value) * 1024 ** 3))
    .refine(...moreThanZero())
    .optional(),
  ATELIER_KEEP_DELIVERIES_DAYS: days(),
};

export function retentionFrom(values: z.infer<z.ZodObject<typeof retentionVariables>>): Retention {
  return Object.freeze({
    tasks: { days: values.ATELIER_KEEP_TASKS_DAYS, count: values.ATELIER_KEEP_TASKS_COUNT },
    events: { days: values.ATELIER_KEEP_EVENTS_DAYS, count: values.ATELIER_KEEP_EVENTS_COUNT },
    files: { days: values.ATELIER_KEEP_FILES_DAYS, bytes: values.ATELIER_KEEP_FILES_GIB },
    deliveries: { days: values.ATELIER_KEEP_DELIVERIES_DAYS },
  });
}

/** How many days outputs are kept after the end of their task: they go with their files, or with their task. */
export function outputDaysOf({ files, tasks }: Retention): number | undefined {
  const limits = [files.days, tasks.days].filter((days) => days !== undefined);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

function days() {
  return z
    .string()
    .regex(/^\s*\d{1,5}(\.\d{1,3})?\s*$/, "must be a number of days such as 30 or 0.5")
    .transform(Number)
    .refine(...moreThanZero())
    .optional();
}

function count() {
  return z
    .string()
    .regex(/^\s*\d{1,9}\s*$/, "must be a whole number of tasks")
    .transform(Number)
    .refine(...moreThanZero())
    .optional();
}

/** Elsewhere 0 means "no limit"; here it would mean "keep nothing". */
function moreThanZero() {
  return [(value: number) => value > 0, "must be more than 0; leave it unset to keep everything"] as const;
}
