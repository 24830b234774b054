// The form of the socket's frames (docs/wire-contract.md, "WebSocket").

import { z } from "zod";

import { statuses } from "./status.ts";
import { digitsText, secret30 } from "./wire-scalars.ts";
import { wireOutputSchema } from "./wire-task-schema.ts";

const wireProgressTextSchema = z
  .strictObject({
    type: z.literal("progressGenerate"),
    task: z.literal("Generate"),
    percentage: digitsText,
    stepCurrent: digitsText,
    stepTotal: digitsText,
    speed: z.string(),
    speedType: z.literal("it/s"),
    elapsedTime: z.string().regex(/^[0-9]+s$/),
    remainingTime: z.string().regex(/^[0-9]+s$/),
  })
  .meta({ id: "ProgressText" });

const greetingFrameSchema = z.strictObject({ type: z.literal("connected"), version: z.literal("1.0") });

const errorFrameSchema = z.strictObject({ type: z.literal("error"), message: z.string(), result: z.literal(false) });

const taskFrameSchema = z
  .strictObject({
    type: z.enum(statuses),
    id: digitsText,
    tasktoken: secret30,
    message: z.union([z.null(), wireProgressTextSchema, z.array(wireOutputSchema)]),
    result: z.literal(true),
    success: z.boolean().nullable(),
    terminal: z.boolean(),
    exitCode: z.int().nullable(),
    seq: z.int().optional().meta({ description: "Only where the subscription has `afterseq`." }),
  })
  .meta({ id: "TaskFrame" });

/** Whatever the server sends. */
export const serverFrameSchema = z.union([greetingFrameSchema, errorFrameSchema, taskFrameSchema]).meta({ id: "ServerFrame" });
