// The form of the socket's frames (docs/wire-contract.md, "WebSocket").

import { z } from "zod";

import { previewSchema } from "./engine-messages.ts";
import { frameTypes } from "./wire-frame.ts";
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
    type: z.enum(frameTypes),
    id: digitsText,
    tasktoken: secret30,
    message: z.union([z.null(), z.string(), wireProgressTextSchema, z.array(wireOutputSchema)]),
    result: z.literal(true),
    success: z.boolean().nullable(),
    terminal: z.boolean(),
    exitCode: z.int().nullable(),
    seq: z.int().optional().meta({ description: "On an event stream, and on a socket whose subscription has `afterseq`." }),
  })
  .meta({ id: "TaskFrame" });

const previewFrameSchema = z
  .strictObject({
    type: z.literal("task_preview"),
    id: digitsText,
    tasktoken: secret30,
    message: z.strictObject({ stepCurrent: digitsText, stepTotal: digitsText, image: previewSchema }),
    result: z.literal(true),
  })
  .meta({ id: "PreviewFrame", description: "Only where the subscription has `preview`." });

/** Whatever the server sends. */
export const serverFrameSchema = z.union([greetingFrameSchema, errorFrameSchema, taskFrameSchema, previewFrameSchema]).meta({ id: "ServerFrame" });
