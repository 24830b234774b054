// POST /v1/File/Upload: takes files into the caller's project (docs/wire-contract.md, "File/Upload").

import { wireFile, wireFileSchema } from "@atelier/schema/wire-file";
import { z } from "zod";

import { selectFolder } from "../../db/queries/folders.ts";
import { AtelierError } from "../../errors.ts";
import { addUpload } from "../../files/add-upload.ts";
import { limits } from "../../limits.ts";
import type { Fields } from "../body.ts";
import type { Caller, RouteContext } from "../http-deps.ts";
import { textIn } from "../text-field.ts";
import { wireRoute } from "../wire-route.ts";

const body = z.looseObject({}).meta({
  properties: {
    file: { type: "string", format: "binary", description: "Any number of file parts, under any name." },
    folderid: { type: "string", description: "A folder of the project; `folderId` is read as well." },
    expiretime: { type: "string", description: "Unix seconds after which the file is gone." },
  },
});

/** Everything is checked before anything is kept. */
export const fileUpload = wireRoute({
  url: "/v1/File/Upload",
  id: "fileUpload",
  summary: "Take files into the project",
  description: "The type of a file is that of its bytes. A zip archive is kept and unpacked beside itself.",
  tag: "Files",
  body,
  reply: { list: z.array(wireFileSchema) },
  failures: [
    "FILES_REQUIRED", "FOLDER_NOT_EXIST", "PARAMETER_NOT_NUMBER", "PARAMETER_OUT_OF_RANGE", "PARAMETER_INVALID", "FILE_TOO_LARGE",
    "FILE_TYPE_REFUSED", "FILE_PIXELS_REFUSED", "FILE_ARCHIVE_REFUSED", "PERMISSION_DENIED",
  ],
  filesWanted: () => () => true,
  answer: async (context, { caller, fields, files }) => {
    if (files.length === 0) throw new AtelierError("FILES_REQUIRED", { parameter: "file" });
    const folderId = await folderIn(context, { caller, given: textIn(fields, "folderid") ?? textIn(fields, "folderId") });
    const place = { projectId: caller.id, folderId, origin: "upload", expiresAt: expiryIn(fields) } as const;
    const uploads = files.map(({ field, received }) => ({ parameter: field, received }));
    const list = await addUpload(context, { files: uploads, place });
    return { list: list.map((file) => wireFile(file, context.publicUrl())) };
  },
});

/** Null for the top, of which "0" is the id on the wire. Another project's folder is answered like a missing one. */
export async function folderIn(
  context: Pick<RouteContext, "db">,
  { caller, given }: { caller: Caller; given: string | undefined },
): Promise<string | null> {
  if (given === undefined || given === "0") return null;
  const folder = await selectFolder(context.db, { projectId: caller.id, id: given });
  if (!folder) throw new AtelierError("FOLDER_NOT_EXIST");
  return folder.id;
}

/** An extension of ours: unix seconds after which the file is gone. */
function expiryIn(fields: Fields): Date | null {
  const given = textIn(fields, "expiretime");
  if (given === undefined || given === "0") return null;
  const now = Math.floor(Date.now() / 1000);
  const [min, max] = [now + 1, now + limits.fileExpirySeconds];
  const seconds = Number(given);
  if (!/^[0-9]+$/.test(given)) throw new AtelierError("PARAMETER_NOT_NUMBER", { parameter: "expiretime" });
  if (seconds < min || seconds > max) throw new AtelierError("PARAMETER_OUT_OF_RANGE", { parameter: "expiretime", min, max });
  return new Date(seconds * 1000);
}
