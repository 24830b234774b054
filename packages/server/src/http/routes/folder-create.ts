// POST /v1/File/FolderCreate: makes a folder in the caller's project (docs/wire-contract.md, "File/FolderCreate").

import { wireFolder, wireFolderSchema } from "@atelier/schema/wire-file";
import { z } from "zod";

import { insertFolder } from "../../db/queries/folders.ts";
import { AtelierError } from "../../errors.ts";
import { limits } from "../../limits.ts";
import { drawHexId } from "../../secret-text.ts";
import { textIn } from "../text-field.ts";
import { wireRoute } from "../wire-route.ts";
import { folderIn } from "./file-upload.ts";

/** Letters, digits, hyphen and underscore, as the contract has them. */
const nameForm = /^[A-Za-z0-9_-]+$/;

const body = z.looseObject({}).meta({
  properties: {
    name: { type: "string", pattern: nameForm.source },
    parentid: { type: "string", description: "The folder to make it in; `parentId` is read as well." },
  },
});

/** A folder of that name in that place is given again. */
export const folderCreate = wireRoute({
  url: "/v1/File/FolderCreate",
  id: "folderCreate",
  summary: "Make a folder in the project",
  tag: "Files",
  body,
  reply: { list: z.array(wireFolderSchema).length(1) },
  failures: ["PARAMETER_REQUIRED", "PARAMETER_INVALID", "FOLDER_NOT_EXIST", "PERMISSION_DENIED"],
  answer: async (context, { caller, fields }) => {
    const name = textIn(fields, "name");
    if (name === undefined) throw new AtelierError("PARAMETER_REQUIRED", { parameter: "name" });
    if (!nameForm.test(name) || name.length > limits.folderNameCharacters) throw new AtelierError("PARAMETER_INVALID");
    const parentId = await folderIn(context, { caller, given: textIn(fields, "parentid") ?? textIn(fields, "parentId") });
    const wanted = { id: drawHexId(), projectId: caller.id, parentId, name, most: limits.foldersPerProject };
    const folder = await insertFolder(context.db, wanted);
    if (!folder) throw new AtelierError("PERMISSION_DENIED");
    return { list: [wireFolder(folder)] };
  },
});
