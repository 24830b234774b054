// A file or folder that a caller brought, as the rest of the server sees it.

import type { WireFileSource, WireFolderSource } from "@atelier/schema/wire-file";

export interface ProjectFile extends WireFileSource {
  readonly fileKey: string;
}

export type Folder = WireFolderSource;

/** What serves and reads bytes needs to know of them, wherever they came from. */
export type ReadableFile = Pick<ProjectFile, "id" | "name" | "contentType" | "sizeBytes" | "fileKey">;
