// Upper bounds of uploaded files, their thumbnails and the files of a run; a part of `limits`.

export const fileLimits = {
  /** One uploaded file (docs/wire-contract.md, "Files"). */
  fileBytes: 100 * 1024 * 1024,
  /** Files of one request, and all of them together with the fields. */
  filesPerRequest: 32,
  filesRequestBytes: 400 * 1024 * 1024,
  /** Requests with files that one process receives at once: each may hold `filesRequestBytes` of disk. */
  filesRequests: 32,
  /** Pixels of one frame of an uploaded picture: 400 MB once decoded, more than any camera has. */
  filePixels: 100_000_000,
  /** A file's name without its ending, in UTF-8. */
  fileNameBytes: 120,
  /** Folders of a project, and characters of a folder's name. */
  foldersPerProject: 10_000,
  folderNameCharacters: 100,
  /** How far ahead an upload may be told to expire: ten years. */
  fileExpirySeconds: 10 * 366 * 86_400,
  /** An upload that was not stored after this was interrupted. */
  interruptedUploadMs: 3_600_000,
  /** Files that one pass of the prune looks at. */
  pruneBatch: 200,
  /** Unpacked archives: entries, bytes of all of them, and how much larger than the archive. Text packs 20 times, zeros 1000. */
  archiveEntries: 500,
  archiveBytes: 400 * 1024 * 1024,
  archiveRatio: 100,
  /** Pixels of a picture of which a thumbnail is made: 256 MB at most once decoded. */
  thumbnailInputPixels: 64_000_000,
  thumbnailSeconds: 15,
  thumbnailsAtOnce: 2,
  thumbnailsWaiting: 64,
  /** Addresses that one file parameter takes, and characters of one. */
  inputFiles: 64,
  inputUrlCharacters: 4_096,
  /** Input files of one task that are fetched from other hosts at once, and bytes of all of them. */
  inputFetches: 4,
  inputTotalBytes: 400 * 1024 * 1024,
} as const;
