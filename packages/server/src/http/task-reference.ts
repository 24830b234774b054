// Reads which task a request is about: clients use three names for the identifier (docs/wire-contract.md, "Identifiers").

import { lenientField } from "@atelier/schema/lenient-field";

import { AtelierError } from "../errors.ts";
import type { TaskReference } from "../db/task.ts";

/** The fields of a body by which any endpoint is told its task. */
export const taskReferenceFields = {
  taskid: lenientField(
    { anyOf: [{ type: "string", pattern: "^[0-9]*$" }, { type: "integer" }], description: "The task's id." },
    identifier,
  ),
  tasktoken: lenientField({ type: "string", description: "The task's token." }, identifier),
  socketaccesstoken: lenientField({ type: "string", description: "Another name of the task's token." }, identifier),
};

type Identifiers = { readonly [Name in keyof typeof taskReferenceFields]: string | undefined };

/** `taskid` is the id; `tasktoken` and `socketaccesstoken` are two names of the token. Empty values are not given. Where
 *  several are given they must all name one task; where they cannot, the reference names none.
 *  Throws TASK_ID_MISSING, or TASK_NOT_FOUND when the two token fields differ. */
export function taskReference(body: Identifiers, projectId: string): TaskReference {
  const id = body.taskid;
  const tokens = [body.tasktoken, body.socketaccesstoken].filter((token) => token !== undefined);
  const [token, otherToken = token] = tokens;
  if (id === undefined && token === undefined) throw new AtelierError("TASK_ID_MISSING");
  if (token !== otherToken) throw new AtelierError("TASK_NOT_FOUND");
  return { projectId, id, token };
}

/** Undefined when not given; text that no task has when it is neither text nor a whole number. */
function identifier(value: unknown): string | undefined {
  const single = Array.isArray(value) && value.length <= 1 ? (value[0] as unknown) : value;
  if (single === undefined || single === null || single === "") return undefined;
  if (typeof single === "string") return single.trim();
  return Number.isSafeInteger(single) ? String(single) : "?";
}
