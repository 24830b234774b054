// The form of a task and its outputs on the wire: what the encoder writes, and what documents say (docs/wire-contract.md, "Task object").

import { z } from "zod";

import { statuses } from "./status.ts";
import { wireQueuePlaceFields } from "./wire-queue-place.ts";
import { absoluteUrl, costText, decimalText, digitsText, hex32, secret30, timeText } from "./wire-scalars.ts";

export const wireOutputSchema = z
  .strictObject({
    id: hex32,
    name: z.string(),
    contenttype: z.string(),
    parentid: z.string(),
    uuid: z.string(),
    size: digitsText,
    addedtime: timeText,
    modifiedtime: timeText,
    accesskey: secret30,
    foldercount: z.literal("0"),
    filecount: z.literal("0"),
    ispublic: z.literal(0),
    expiretime: digitsText.nullable().meta({ description: "Unix seconds; null where outputs are kept for good." }),
    url: absoluteUrl,
  })
  .meta({ id: "Output" });

const timesOfTask = {
  createtime: timeText,
  canceltime: timeText,
  accepttime: timeText,
  preprocessstarttime: timeText,
  preprocessendtime: timeText,
  assigntime: timeText,
  starttime: timeText,
  endtime: timeText,
  postprocessstarttime: timeText,
  postprocessendtime: timeText,
};

const taskFields = {
  id: digitsText,
  uuid: z.string().meta({ description: "The project's, the same on all its tasks." }),
  name: z.literal(""),
  socketaccesstoken: secret30,
  parameters: z.record(z.string(), z.unknown()).meta({ description: "The declared parameters as they were sent, and the seed in use." }),
  debugoutput: z.string(),
  debugerror: z.string(),
  ...timesOfTask,
  elapsedseconds: decimalText(4),
  status: z.enum(statuses),
  pexit: z.string().regex(/^(-?[0-9]+)?$/).meta({ description: "Exit code; \"0\" is success, \"\" while the task runs." }),
  cps: decimalText(12),
  totalcost: costText,
  guestid: z.null(),
  projectid: digitsText,
  modelid: digitsText,
  description: z.literal(""),
  basemodelid: z.literal("0"),
  runtype: z.literal("model"),
  modelfolderid: z.literal(""),
  modelfileid: z.literal(""),
  callbackurl: z.string(),
  marketplaceid: z.null(),
  categories: z.string().meta({ description: "A JSON list inside text." }),
  modeldescription: z.string(),
  modelslugowner: z.string(),
  modelslugproject: z.string(),
  outputfolderid: z.string().regex(/^([0-9a-f]{32}|0)$/),
  outputs: z.array(wireOutputSchema),
  size: digitsText,
};

export const wireTaskSchema = z.strictObject(taskFields).meta({ id: "Task" });

/** How far a task is, in `/Task/Detail` where it is asked for. */
export const wireProgressSchema = z.strictObject({
  step: z.number(),
  stepTotal: z.number(),
  secondsPerStep: z.number(),
});

/** A task of `/Task/Detail`. */
export const wireShownTaskSchema = z
  .strictObject({
    ...taskFields,
    ...z.object(wireQueuePlaceFields).partial().shape,
    progress: wireProgressSchema.nullable().optional(),
  })
  .meta({ id: "ShownTask" });

export type WireOutput = z.infer<typeof wireOutputSchema>;
export type WireTask = z.infer<typeof wireTaskSchema>;
