// Parses application/x-www-form-urlencoded bytes.

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";

/** A `%` that begins no percent sequence is a `%`, as browsers read it. Throws BODY_INVALID on text that is not UTF-8, or too many
 *  fields. */
export function parseFormBody(bytes: Buffer): [string, string][] {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim();
    const parts = text.split("&", limits.bodyFields + 1).filter((part) => part !== "");
    if (parts.length > limits.bodyFields) throw new AtelierError("BODY_INVALID");
    return parts.map((part) => {
      const [name = "", ...value] = part.split("=");
      return [decode(name), decode(value.join("="))];
    });
  } catch (error) {
    if (error instanceof AtelierError) throw error;
    // TextDecoder throws TypeError, decodeURIComponent URIError: the caller's fault in both cases.
    throw new AtelierError("BODY_INVALID", {}, { cause: error });
  }
}

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " ").replaceAll(/%(?![0-9a-f]{2})/gi, "%25"));
}
