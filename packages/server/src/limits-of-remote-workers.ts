// Upper bounds of workers on other machines; a part of `limits`.

export const remoteWorkerLimits = {
  /** A message of a remote worker: its log with 64,000 characters, each of which JSON may need six bytes for. */
  workerMessageBytes: 2 * 1024 * 1024,
  /** Requests with a wrong worker token that one address may send in a minute. */
  workerRefusalsPerMinute: 60,
  /** One output of a remote worker, and outputs of one task. */
  outputBytes: 1024 * 1024 * 1024,
  outputsPerTask: 64,
  /** Between two looks for uploads that nobody will finish. */
  uploadSweepMs: 60_000,
  /** One request of an upload. */
  uploadPieceBytes: 1024 * 1024,
  /** Half a megabit a second. A piece that takes longer than at this rate lies on a connection that has died without a word: it
   *  is sent again on another one. */
  slowestUploadBytesPerSecond: 64 * 1024,
  /** Pieces of one output: four times what the largest needs, for connections that break. */
  piecesPerOutput: 4_096,
  /** Tries of an output that arrived damaged, and of a piece that another request was always faster with. */
  uploadTries: 3,
  /** A remote worker's heartbeat must be answered within this, so that the next one, on another connection, comes before the
   *  lease ends; its other requests have longer. */
  workerHeartbeatMs: 1_500,
  workerRequestMs: 15_000,
  /** How much longer than the wait itself a held request may take. */
  workerWaitGraceMs: 5_000,
  /** First and longest wait between two tries of a remote worker whose server is away, and how long it keeps a report. */
  workerRetryMs: 200,
  workerRetryMaxMs: 3_000,
  workerAwayMs: 120_000,
  /** Until a worker says again that its server is away; doubled each time up to the longer one. */
  awayReminderMs: 30_000,
  awayReminderMaxMs: 600_000,
  /** Draining of a remote worker: its tasks may be long. */
  remoteDrainMs: 30_000,
  /** After that, what it gets to hand its tasks back. */
  remoteGiveBackMs: 5_000,
  /** Kills that are remembered for a watch that begins just after them. */
  recentKills: 1_000,
  /** Between two watches for kills while the task source cannot be reached; heartbeats find a kill as well, a second later. */
  watchRetryMs: 500,
} as const;
