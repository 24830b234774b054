// Bounds of the file stores and of backups; part of `limits`.

export const storeLimits = {
  /** Files of one page when a store is listed: what S3 servers answer at most. */
  fileListPage: 1_000,
  /** Parts of a large file on its way to an S3 server; two are in memory. S3 takes no smaller ones than 5 MiB and at most
   *  10,000 of them. */
  s3PartBytes: 8 * 1024 * 1024,
  /** Connections to the S3 server, and what each may take to open, to begin its answer, and between two pieces of it. */
  s3Connections: 32,
  s3ConnectMs: 5_000,
  s3AnswerMs: 30_000,
  /** Tries of one request, and the wait after the first that failed; doubled each time, about 13 s in all. */
  s3Tries: 7,
  s3RetryMs: 200,
  /** An answer that is no file: a list of 1,000 keys takes about 400,000. */
  s3AnswerCharacters: 8_000_000,
  /** How often what is beyond the limits of retention is removed, and files that nobody names are looked for. */
  pruneMs: 3_600_000,
  sweepMs: 86_400_000,
  /** Age below which a file without a row is let be: it may be on its way. An upload takes minutes at most. */
  sweepGraceMs: 6 * 3_600_000,
  /** How far the clock of an S3 server may differ from the database's; S3 itself refuses 15 minutes. */
  sweepSkewMs: 20 * 60_000,
  /** Keys of files that a backup asks its snapshot for at once. */
  backupPageRows: 1_000,
  /** Ended tasks, or tasks with files, that one statement of the prune looks at. */
  pruneTasks: 1_000,
  /** A task that ended longer ago is committed, and comes before none that a pass of the prune has not seen. */
  pruneSettleMs: 3_600_000,
  /** Files of callers that a dry run counts at most. */
  pruneCount: 1_000_000,
} as const;
