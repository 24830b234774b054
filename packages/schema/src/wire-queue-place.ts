// A waiting task's place in the queue as Detail shows it (docs/wire-contract.md, "Task/Detail").

import { z } from "zod";

import { unixSeconds } from "./wire-time.ts";

/** Added to a task that waits. Text, like the other scalars. */
export const wireQueuePlaceFields = {
  queueposition: z.string().regex(/^[1-9][0-9]*$/).meta({ description: "Place in the queue, from \"1\"; while the task waits." }),
  queueworkers: z.string().regex(/^[0-9]+$/).meta({ description: "Live workers that offer its model; \"0\": it waits for one." }),
  estimatedstarttime: z.string().regex(/^[0-9]+$/).meta({ description: "Unix seconds; \"0\" when it cannot be told." }),
  estimatederrorseconds: z
    .string()
    .regex(/^([0-9]+\.[0-9])?$/)
    .meta({ description: "Nine of ten of the server's latest estimates were nearer than this; \"\" while it has too few." }),
};

export type WireQueuePlace = { readonly [Name in keyof typeof wireQueuePlaceFields]: string };

export function wireQueuePlace(place: { position: number; workers: number; startAt: Date | undefined; errorSeconds: number | undefined }): WireQueuePlace {
  return {
    queueposition: String(place.position),
    queueworkers: String(place.workers),
    estimatedstarttime: unixSeconds(place.startAt ?? null),
    estimatederrorseconds: place.errorSeconds?.toFixed(1) ?? "",
  };
}
