// Chooses where bytes are kept: the data folder, or the S3 server that the configuration names.

import type { S3Settings } from "../config/s3-settings.ts";
import { openDiskStore } from "./disk-store.ts";
import type { FileStore } from "./file-store.ts";
import { checkS3, openS3Store } from "./s3/s3-store.ts";
import { withThumbnails } from "./thumbnails.ts";

/** Resolves when the store can be used. Throws FILE_STORE_UNREACHABLE or FILE_STORE_REFUSED. */
export async function openFiles(place: { folder: string; s3: S3Settings | undefined }): Promise<FileStore> {
  if (!place.s3) return withThumbnails(openDiskStore(place.folder));
  await checkS3(place.s3);
  return withThumbnails(openS3Store(place.s3));
}
