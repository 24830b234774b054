// Reads the Range header of a request for a file (RFC 9110, section 14).

/** First and last byte, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** One range of the file's bytes; "unsatisfiable" when it lies beyond their end; undefined when the whole file is the answer:
 *  no range, another unit, a malformed one, or several at once, which a server may ignore (section 14.2). */
export function byteRangeOf(header: string | undefined, sizeBytes: number): ByteRange | "unsatisfiable" | undefined {
  const match = /^\s*bytes\s*=\s*([0-9]{0,15})\s*-\s*([0-9]{0,15})\s*$/i.exec(header ?? "");
  if (!match) return undefined;
  const [first = "", last = ""] = [match[1], match[2]];
  if (first === "" && last === "") return undefined;
  if (first === "") return Number(last) === 0 || sizeBytes === 0 ? "unsatisfiable" : { start: Math.max(0, sizeBytes - Number(last)), end: sizeBytes - 1 };
  if (last !== "" && Number(last) < Number(first)) return undefined;
  if (Number(first) >= sizeBytes) return "unsatisfiable";
  return { start: Number(first), end: last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1) };
}
