// Every named upper bound of the server, each with its reason.

export const limits = Object.freeze({
  /** A run's JSON body: the largest prompt with room to spare; the contract's clients send at most 16 MiB. */
  bodyBytes: 16 * 1024 * 1024,
  /** Nesting of a JSON body: no parameter takes more than a list. */
  bodyDepth: 32,
  /** Members and list items of a JSON body; more cost the parser hundreds of megabytes. */
  bodyValues: 100_000,
  /** Fields or parts of a form. */
  bodyFields: 1_000,
  /** What is kept of a `callbackUrl`: longer than any URL that servers accept. */
  callbackUrlCharacters: 4_096,
  /** A whole request must have arrived within this: the largest body at 1 Mbit/s. */
  requestMs: 150_000,
  /** Of a path segment: longer than any slug, so a longer one names nothing. */
  pathSegmentCharacters: 512,
  /** What open connections get at shutdown before they are cut. */
  httpStopMs: 3_000,
  /** Characters of a prompt: one model reads at most 512 text tokens. */
  textCharacters: 20_000,
  /** Lost leases after which a task fails instead of being rescued again. */
  lostLeases: 10,
  /** Engine failures (crashes) after which a task fails. */
  engineFailures: 3,
  /** A worker that has not renewed its lease for this long has lost it. */
  leaseMs: 4_000,
  heartbeatMs: 1_000,
  /** How often servers look for expired leases. */
  rescueMs: 500,
  /** How long a claim loop waits without a notification before it looks again. */
  claimPollMs: 1_000,
  /** From the cancel message to SIGTERM, and from SIGTERM to SIGKILL, of an engine that does not stop. */
  engineCancelMs: 2_500,
  engineTermMs: 1_500,
  /** Loading a base model on a slow disk. */
  engineStartMs: 60_000,
  /** Tries of a write whose answer was lost with the database connection. */
  unknownOutcomeTries: 5,
  /** One message of an engine; pixels travel as files, so lines stay short. */
  engineLineCharacters: 1_000_000,
  /** Tasks that one pass of the rescue looks at. */
  rescueBatch: 100,
  /** Draining at shutdown: running tasks are returned to the queue after this. */
  drainMs: 8_000,
  /** Log text kept per task (`debugoutput`, `debugerror`). */
  debugCharacters: 64_000,
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
  /** Database sessions per server process. */
  poolConnections: 16,
  /** Waiting for a free session of the pool. */
  poolWaitMs: 10_000,
  /** How long a read, or the wait for a session, outlasts a database that is away; one restart takes under a second. */
  databaseAwayMs: 8_000,
  /** First and longest wait between two tries to reach the database. */
  databaseRetryMs: 25,
  databaseRetryMaxMs: 1_000,
  /** Waiting at start-up for an external database that is still starting. */
  databaseStartMs: 30_000,
  /** How long a command waits for a server that is starting on its data folder, and between two looks. */
  serverStartMs: 60_000,
  serverPollMs: 50,
});
