// Reads which task a request is about: clients use three names for the identifier (docs/wire-contract.md, "Identifiers").

import { AtelierError } from "../errors.ts";
import type { TaskReference } from "../db/task.ts";
import type { Fields } from "./body.ts";

/** `taskid` is the id; `tasktoken` and `socketaccesstoken` are two names of the token. Empty values are not given. Where
 *  several are given they must all name one task; where they cannot, the reference names none.
 *  Throws TASK_ID_MISSING, or TASK_NOT_FOUND when the two token fields differ. */
export function taskReference(fields: Fields, projectId: string): TaskReference {
  const id = identifier(fields["taskid"]);
  const tokens = [identifier(fields["tasktoken"]), identifier(fields["socketaccesstoken"])].filter(
    (token) => token !== undefined,
  );
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
