// A caller's file or folder as the wire shows it (docs/wire-contract.md, "Files").

import { z } from "zod";

import { absoluteUrl, digitsText, hex32, secret30, timeText } from "./wire-scalars.ts";
import { unixSeconds } from "./wire-time.ts";

export interface WireFileSource {
  /** 32 hex digits. */
  readonly id: string;
  /** Its folder; null: at the top. */
  readonly folderId: string | null;
  readonly name: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** 30 letters and digits: whoever has it may read the file. */
  readonly accessKey: string;
  readonly addedAt: Date;
  readonly expiresAt: Date | null;
}

export interface WireFolderSource {
  readonly id: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly addedAt: Date;
}

/** `parentid` of what lies in no folder. */
const top = "0" as const;

const parentText = z.union([z.literal(top), hex32]).meta({ description: "Id of the folder, or \"0\"." });

export const wireFileSchema = z
  .object({
    id: hex32,
    name: z.string().min(1),
    contenttype: z.string(),
    size: digitsText,
    parentid: parentText,
    url: absoluteUrl,
    addedtime: timeText,
    accesskey: secret30,
    expiretime: digitsText.nullable(),
  })
  .meta({ id: "File" });

export const wireFolderSchema = z
  .object({ id: hex32, name: z.string(), parentid: parentText, size: z.literal("0"), contenttype: z.literal(""), addedtime: timeText })
  .meta({ id: "Folder" });

/** `publicUrl`: origin of the server, without a slash at the end; clients drop an upload whose `url` is relative. */
export function wireFile(file: WireFileSource, publicUrl: string) {
  return {
    id: file.id,
    name: file.name,
    contenttype: file.contentType,
    size: String(file.sizeBytes),
    parentid: file.folderId ?? top,
    url: fileUrl(file, publicUrl),
    addedtime: unixSeconds(file.addedAt),
    accesskey: file.accessKey,
    expiretime: file.expiresAt === null ? null : unixSeconds(file.expiresAt),
  };
}

export function wireFolder(folder: WireFolderSource) {
  return {
    id: folder.id,
    name: folder.name,
    parentid: folder.parentId ?? top,
    size: "0" as const,
    contenttype: "" as const,
    addedtime: unixSeconds(folder.addedAt),
  };
}

/** Where the bytes of a file are read without credentials. */
export function fileUrl(file: { readonly accessKey: string; readonly name: string }, publicUrl: string): string {
  return `${publicUrl}/v1/File/${file.accessKey}/${encodeURIComponent(file.name)}`;
}
