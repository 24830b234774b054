// What is said of a statement that failed: PostgreSQL's own words, or that its outcome is unknown.

import pg from "pg";

import { AtelierError } from "../errors.ts";
import { isConnectionError } from "./connection-error.ts";

/** What the caller of a statement that was sent is told: what PostgreSQL said, or that the outcome is unknown. */
export function failureOf(error: unknown): unknown {
  if (isDiskFull(error)) return new AtelierError("DISK_FULL", {}, { cause: error });
  return error instanceof pg.DatabaseError && !isConnectionError(error) ? error : unavailable(error);
}

/** The database's own disk, wherever it is. Source: PostgreSQL, appendix A, 53100 disk_full. */
function isDiskFull(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === "53100";
}

export function isUnavailable(error: unknown): error is AtelierError {
  return error instanceof AtelierError && error.code === "SERVER_UNAVAILABLE";
}

export function unavailable(cause: unknown): AtelierError {
  return new AtelierError("SERVER_UNAVAILABLE", {}, { cause });
}
