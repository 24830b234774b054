// Parses multipart/form-data bytes that were read whole: its text fields. Routes that take files read their bodies as streams; here files are skipped.

import busboy from "busboy";

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";

/** Throws BODY_INVALID when the label has no boundary, the parts are malformed or cut off, or there are too many. */
export function parseMultipartBody(bytes: Buffer, contentType: string): Promise<[string, string][]> {
  return new Promise((resolve, reject) => {
    const fields: [string, string][] = [];
    const refuse = (cause?: unknown): void => reject(new AtelierError("BODY_INVALID", {}, { cause }));
    const parser = openParser(contentType);
    if (!parser) {
      refuse();
      return;
    }
    parser.on("field", (name: string | undefined, value, info) => {
      if (info.nameTruncated || info.valueTruncated) refuse();
      // A part without a name is possible on the wire, whatever the type says.
      else if (name !== undefined && name !== "") fields.push([name, value]);
    });
    parser.on("file", (_name, stream) => stream.on("error", refuse).resume());
    parser.on("partsLimit", refuse).on("error", refuse);
    parser.on("close", () => resolve(fields));
    parser.end(bytes);
  });
}

/** Undefined when the label cannot be understood: busboy throws then. */
function openParser(contentType: string): busboy.Busboy | undefined {
  const sizes = { fieldNameSize: 256, fieldSize: limits.bodyBytes, fields: limits.bodyFields, parts: limits.bodyFields };
  try {
    return busboy({ headers: { "content-type": contentType }, limits: sizes, defParamCharset: "utf8" });
  } catch {
    return undefined;
  }
}
