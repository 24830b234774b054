// Reads one short text of a body, in whatever form the caller's encoding gave it.

import { AtelierError } from "../errors.ts";
import type { Fields } from "./body.ts";

/** Undefined when it is absent, null or empty. Throws PARAMETER_INVALID for lists of several, objects and NUL. */
export function textIn(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  const single: unknown = Array.isArray(value) && value.length <= 1 ? value[0] : value;
  if (single === undefined || single === null) return undefined;
  if (typeof single === "object") throw new AtelierError("PARAMETER_INVALID");
  const text = String(single).trim();
  if (text.includes("\0")) throw new AtelierError("PARAMETER_INVALID");
  return text === "" ? undefined : text;
}
