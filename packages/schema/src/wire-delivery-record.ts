// The form of a delivery and its tries on the wire (docs/wire-contract.md, "Deliveries").

import { z } from "zod";

import { digitsText, timeText } from "./wire-scalars.ts";
import { unixSeconds } from "./wire-time.ts";

export const wireDeliveryRecordSchema = z
  .strictObject({
    id: digitsText,
    messageid: z.string().meta({ description: "The `webhook-id` header, the same for every try." }),
    taskid: digitsText,
    url: z.string(),
    status: z.enum(["waiting", "delivered", "abandoned"]),
    createtime: timeText,
    nexttime: timeText.meta({ description: "When the next try is due; \"0\" once it has ended." }),
    endtime: timeText,
    attempts: z.array(
      z.strictObject({
        attempt: digitsText,
        starttime: timeText,
        durationms: z.string().regex(/^[0-9]*$/).meta({ description: "\"\" while it is under way, or when its sender died." }),
        httpstatus: z.string().regex(/^[0-9]*$/).meta({ description: "\"\" when there was no answer." }),
        errorclass: z.string().meta({ description: "\"\" for a success." }),
      }),
    ).meta({ description: "The newest first." }),
  })
  .meta({ id: "Delivery" });

export type WireDeliveryRecord = z.infer<typeof wireDeliveryRecordSchema>;

export interface DeliveryFacts {
  readonly id: string;
  readonly messageId: string;
  readonly taskId: string;
  readonly url: string;
  readonly status: WireDeliveryRecord["status"];
  readonly createdAt: Date;
  readonly nextAttemptAt: Date | null;
  readonly endedAt: Date | null;
  readonly attempts: readonly {
    readonly attempt: number;
    readonly startedAt: Date;
    readonly durationMs: number | null;
    readonly httpStatus: number | null;
    readonly errorClass: string | null;
  }[];
}

export function wireDeliveryRecord(delivery: DeliveryFacts): WireDeliveryRecord {
  return {
    id: delivery.id,
    messageid: delivery.messageId,
    taskid: delivery.taskId,
    url: delivery.url,
    status: delivery.status,
    createtime: unixSeconds(delivery.createdAt),
    nexttime: unixSeconds(delivery.nextAttemptAt),
    endtime: unixSeconds(delivery.endedAt),
    attempts: delivery.attempts.map(({ attempt, startedAt, durationMs, httpStatus, errorClass }) => ({
      attempt: String(attempt),
      starttime: unixSeconds(startedAt),
      durationms: String(durationMs ?? ""),
      httpstatus: String(httpStatus ?? ""),
      errorclass: errorClass ?? "",
    })),
  };
}
