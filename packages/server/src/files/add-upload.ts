// Takes uploaded files into a project; an archive is kept and its files beside it, in a folder of its name.

import { insertFolder } from "../db/queries/folders.ts";
import type { ProjectFile } from "../db/file.ts";
import type { Queryable } from "../db/queryable.ts";
import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import { drawHexId } from "../secret-text.ts";
import { addFile, checkFile, removeFile } from "./add-file.ts";
import type { CheckedFile, FilePlace } from "./add-file.ts";
import type { FileStore } from "./file-store.ts";
import { discardReceived } from "./receive-file.ts";
import type { ReceivedFile } from "./receive-file.ts";
import { unpackArchive } from "./unpack-archive.ts";

export interface UploadDeps {
  readonly db: Queryable;
  readonly files: FileStore;
  readonly tempFolder: string;
}

interface CheckedUpload {
  readonly file: CheckedFile;
  /** Of an archive; otherwise none. */
  readonly inside: readonly CheckedFile[];
}

/** Each file, an archive followed by the files inside. All or nothing.
 *  Throws FILE_TYPE_REFUSED, FILE_PIXELS_REFUSED or FILE_ARCHIVE_REFUSED. */
export async function addUpload(
  deps: UploadDeps,
  { files, place }: { files: readonly { parameter: string; received: ReceivedFile }[]; place: FilePlace },
): Promise<ProjectFile[]> {
  const checked: CheckedUpload[] = [];
  const added: ProjectFile[] = [];
  try {
    for (const { parameter, received } of files) checked.push(await checkUpload(deps, received, parameter));
    for (const upload of checked) await addChecked(deps, { upload, place, added });
  } catch (error) {
    for (const file of added) await removeFile(deps, file);
    throw error;
  } finally {
    await discardReceived(checked.flatMap((upload) => upload.inside.map((file) => file.received)));
  }
  return added;
}

async function checkUpload(deps: UploadDeps, received: ReceivedFile, parameter: string): Promise<CheckedUpload> {
  const file = await checkFile(received, parameter);
  if (file.media.type !== "application/zip") return { file, inside: [] };
  const unpacked = await unpackArchive(deps, received, parameter);
  try {
    return { file, inside: await Promise.all(unpacked.map((inner) => checkFile(inner, inner.givenName))) };
  } catch (error) {
    await discardReceived(unpacked);
    throw error;
  }
}

async function addChecked(
  deps: UploadDeps,
  { upload, place, added }: { upload: CheckedUpload; place: FilePlace; added: ProjectFile[] },
): Promise<void> {
  const archive = await addFile(deps, upload.file, place);
  added.push(archive);
  if (upload.inside.length === 0) return;
  const folder = await insertFolder(deps.db, {
    id: drawHexId(),
    projectId: place.projectId,
    parentId: place.folderId,
    name: folderName(archive),
    most: limits.foldersPerProject,
  });
  if (!folder) throw new AtelierError("PERMISSION_DENIED");
  for (const inner of upload.inside) added.push(await addFile(deps, inner, { ...place, folderId: folder.id }));
}

/** In the characters of a folder's name; the end of the id keeps two archives of one name apart. */
function folderName(archive: ProjectFile): string {
  const stem = archive.name.replace(/\.zip$/i, "").replaceAll(/[^A-Za-z0-9_-]+/g, "-");
  return `${stem.slice(0, limits.folderNameCharacters - 9)}-${archive.id.slice(-8)}`;
}
