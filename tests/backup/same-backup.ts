// Whether two backups hold the same: every row, sequence and file, by their checksums.

import { readManifest } from "../../packages/server/src/maintenance/backup/manifest.ts";
import type { BackupManifest } from "../../packages/server/src/maintenance/backup/manifest.ts";

/** What a backup says of its content, whenever and by whichever PostgreSQL it was made. */
export async function contentOf(folder: string): Promise<Omit<BackupManifest, "createdAt" | "postgresVersion">> {
  const { createdAt: _when, postgresVersion: _which, ...content } = await readManifest(folder);
  return content;
}
