// Bounds of the embedded PostgreSQL, of sessions and of announcements; part of `limits`.

export const databaseLimits = {
  /** Sessions of the embedded PostgreSQL; the pool below, its listener and a command line fit many times. */
  postgresConnections: 50,
  /** Until a started PostgreSQL must accept connections: long enough to replay its log after a crash. */
  postgresStartMs: 60_000,
  /** Between two tries to start while orphans of a killed PostgreSQL hold its memory. */
  postgresRetryMs: 100,
  /** Between two looks at PostgreSQL's pid file; a start takes 30 to 75 ms. */
  postgresPollMs: 10,
  /** From the fast shutdown to the immediate one, and from that to the kill. */
  postgresStopMs: 15_000,
  postgresQuitMs: 5_000,
  /** Failed restarts in a row of a PostgreSQL that died, and the wait between them, before the server gives up. */
  postgresRestarts: 10,
  postgresRestartMs: 1_000,
  /** PostgreSQL's log is renamed at a start when it is larger. */
  postgresLogBytes: 10 * 1024 * 1024,
  /** Longest folder for sockets: a socket address has 107 bytes, and a random folder and file name follow. */
  socketFolderBytes: 60,
  /** Sessions per server process for single statements and transactions. */
  poolConnections: 16,
  /** Of them, those that stay open: a busy server needs no more at once, and each new one reads the catalogue and plans all its
   *  statements anew just when there is no time for it. */
  poolKeptConnections: 8,
  /** Sessions beside them that send several statements in one trip: new tasks together with a claim. */
  batchConnections: 2,
  /** How long such a trip waits for a session; when there was none, how long no other one asks; and how long it waits for a lock. Beyond,
   *  what it is for goes the longer way. */
  batchWaitMs: 500,
  batchRestMs: 2_000,
  batchLockMs: 100,
  /** PostgreSQL ends such a session when its commit does not come. */
  batchSilenceMs: 5_000,
  /** A session beyond these is closed when it was not used for this long. */
  poolIdleMs: 60_000,
  /** Waiting for a free session of the pool. */
  poolWaitMs: 10_000,
  /** An answer to one statement; the longest of ours takes a second. A connection that a firewall forgot never answers. */
  databaseAnswerMs: 15_000,
  /** A silent connection is asked whether it still lives after this; ten questions a second apart, then it is lost. */
  databaseKeepAliveMs: 10_000,
  /** How often the session that listens is asked whether it lives: together with `databaseAnswerMs` the longest time for which a
   *  server hears nothing and does not know it. */
  databasePingMs: 10_000,
  /** How long a read, or the wait for a session, outlasts a database that is away; one restart takes under a second. */
  databaseAwayMs: 8_000,
  /** First and longest wait between two tries to reach the database. */
  databaseRetryMs: 25,
  databaseRetryMaxMs: 1_000,
  /** Of all announcements that wait to be sent: 100,000 ids of events, or 500 previews. Beyond it they are lost, as if the database
   *  had been away: every listener also looks for itself. */
  announcementCharacters: 4_000_000,
  /** From one statement that announces to the next, at least, for each server that hears it, and at most: other processes hear of a task
   *  by so much later when there are many. */
  announcePauseMs: 5,
  announcePausePerServerMs: 0.5,
  announcePauseMostMs: 100,
  /** Of one notification: PostgreSQL refuses 8,000 bytes, and ids are ASCII. */
  notificationCharacters: 7_900,
  /** Reaching one of several database hosts before the next one is tried. */
  databaseHostMs: 2_000,
  /** Waiting at start-up for an external database that is still starting. */
  databaseStartMs: 30_000,
} as const;
