// Parses a JSON object from bytes that may be hostile.

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { Fields } from "./body.ts";

/** Throws BODY_INVALID when the bytes are not UTF-8, not one JSON object, nested too deeply or hold too many values. */
export function parseJsonBody(bytes: Buffer): Fields {
  // Into an object without prototype, where a member called __proto__ is a member like any other.
  return Object.assign(Object.create(null), parseJson(bytes)) as Fields;
}

/** Any JSON value. Throws BODY_INVALID when the bytes are not UTF-8, no JSON, nested too deeply or hold too many values. */
export function parseJson(bytes: Buffer): unknown {
  refuseBombs(bytes);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    // TextDecoder throws TypeError, JSON.parse SyntaxError: the caller's fault in both cases.
    throw new AtelierError("BODY_INVALID", {}, { cause: error });
  }
}

/** A body of 16 MiB of `[` or of tiny members costs JSON.parse hundreds of megabytes; this scan costs about 1 ns a byte. */
function refuseBombs(bytes: Buffer): void {
  let depth = 0;
  let commas = 0;
  let isInText = false;
  for (let offset = 0; offset < bytes.length; offset += 1) {
    const byte = bytes[offset];
    if (isInText) {
      if (byte === code.backslash) offset += 1;
      else if (byte === code.quote) isInText = false;
    } else if (byte === code.quote) isInText = true;
    else if (byte === code.brace || byte === code.bracket) depth += 1;
    else if (byte === code.braceEnd || byte === code.bracketEnd) depth -= 1;
    else if (byte === code.comma) commas += 1;
    if (depth > limits.bodyDepth || commas > limits.bodyValues) throw new AtelierError("BODY_INVALID");
  }
}

const code = { quote: 0x22, comma: 0x2c, bracket: 0x5b, backslash: 0x5c, bracketEnd: 0x5d, brace: 0x7b, braceEnd: 0x7d };
