// Multipart bodies and small files for tests.

import { deflateRawSync, crc32 } from "node:zlib";

import type { LightMyRequestResponse } from "fastify";
import sharp from "sharp";

import type { CreatedProject } from "../projects/create-project.ts";
import { signedHeaders } from "./test-server.ts";
import type { TestServer } from "./test-server.ts";

/** A text, or a file with the name and the type that the client claims. */
export type TestPart =
  | readonly [field: string, text: string]
  | readonly [field: string, bytes: Buffer, name: string, type?: string];

export const formType = "multipart/form-data; boundary=test";

export function formBody(parts: readonly TestPart[]): Buffer {
  const chunks = parts.flatMap(([field, value, name, type = "application/octet-stream"]) => {
    const file = name === undefined ? "" : `; filename="${name.replaceAll('"', '\\"')}"\r\nContent-Type: ${type}`;
    return [Buffer.from(`--test\r\nContent-Disposition: form-data; name="${field}"${file}\r\n\r\n`), Buffer.from(value), Buffer.from("\r\n")];
  });
  return Buffer.concat([...chunks, Buffer.from("--test--\r\n")]);
}

export function postForm(
  server: TestServer,
  url: string,
  parts: readonly TestPart[],
  as: CreatedProject = server.mine,
): Promise<LightMyRequestResponse> {
  const headers = { ...signedHeaders(as), "content-type": formType };
  return server.app.inject({ method: "POST", url, headers, payload: formBody(parts) });
}

/** A picture whose every pixel has one colour. */
export function plainPicture(
  widthPixels: number,
  heightPixels: number,
  { type = "png", colour = "#c03020" }: { type?: "png" | "jpeg" | "webp" | "gif"; colour?: string } = {},
): Promise<Buffer> {
  const create = { width: widthPixels, height: heightPixels, channels: 3, background: colour } as const;
  return sharp({ create, limitInputPixels: false }).toFormat(type).toBuffer();
}

export interface ZipEntry {
  readonly name: string;
  readonly bytes: Buffer;
  /** Unix mode, for links. */
  readonly mode?: number;
}

/** A zip archive as a careless or hostile writer makes it: names are written as they are. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, mode = 0o100644 } of entries) {
    const packed = deflateRawSync(bytes, { level: 9 });
    const fileName = Buffer.from(name);
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(0x800, 2);
    facts.writeUInt16LE(8, 4);
    facts.writeUInt32LE(crc32(bytes), 10);
    facts.writeUInt32LE(packed.length, 14);
    facts.writeUInt32LE(bytes.length, 18);
    facts.writeUInt16LE(fileName.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), facts, fileName, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((mode << 16) >>> 0, 6);
    rest.writeUInt32LE(offset, 10);
    centrals.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x03", "latin1"), facts, rest, fileName]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, Buffer.from("PK\x05\x06", "latin1"), end]);
}

/** A PNG that claims a size it does not hold: the header is whole, the pixels are not there. */
export async function bombPicture(widthPixels: number, heightPixels: number): Promise<Buffer> {
  const png = await plainPicture(1, 1);
  png.writeUInt32BE(widthPixels, 16);
  png.writeUInt32BE(heightPixels, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}
