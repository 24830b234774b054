// The form of the object around every answer of the wire (docs/wire-contract.md, "Envelope").

import { z } from "zod";

const wireErrorSchema = z
  .strictObject({
    code: z.int().meta({ description: "A class: 0 general, 1 not found or in the wrong state, 96 to 99 as documented." }),
    message: z.string().min(1),
    time: z.int().meta({ description: "Unix seconds." }),
  })
  .meta({ id: "Error" });

const failureFields = { result: z.literal(false), errors: z.tuple([wireErrorSchema]) };

export const failureSchema = z.strictObject(failureFields).meta({ id: "Failure" });

/** A failure that leaves a task behind, which the caller may go on asking for. */
export const expiredSchema = z
  .strictObject({ ...failureFields, taskid: z.string(), socketaccesstoken: z.string() })
  .meta({ id: "WaitExpired" });

/** A success with these payload fields beside `result` and `errors`. */
export function successSchema<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject({ ...shape, result: z.literal(true), errors: z.tuple([]) });
}
