// Every named upper bound of the server, each with its reason.

export const limits = Object.freeze({
  /** A run's JSON body: the largest prompt with room to spare; the contract's clients send at most 16 MiB. */
  bodyBytes: 16 * 1024 * 1024,
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
  /** Draining at shutdown: running tasks are returned to the queue after this. */
  drainMs: 8_000,
  /** Log text kept per task (`debugoutput`, `debugerror`). */
  debugCharacters: 64_000,
});
