// A file or folder that a caller brought, as the rest of the server sees it.

export interface ProjectFile {
  /** 32 hex digits. */
  readonly id: string;
  /** Its folder; null: at the top. */
  readonly folderId: string | null;
  readonly name: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** 30 letters and digits: whoever has it may read the file. */
  readonly accessKey: string;
  readonly fileKey: string;
  readonly addedAt: Date;
  readonly expiresAt: Date | null;
}

export interface Folder {
  readonly id: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly addedAt: Date;
}

/** What serves and reads bytes needs to know of them, wherever they came from. */
export type ReadableFile = Pick<ProjectFile, "id" | "name" | "contentType" | "sizeBytes" | "fileKey">;
