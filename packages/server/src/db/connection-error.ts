// Tells a database that is away from a statement that is wrong.

import pg from "pg";

/** Node's codes for a server that is not there or went away. */
const systemCodes = new Set(["ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EHOSTDOWN", "ENETDOWN", "ENETUNREACH", "ENOENT", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENOTFOUND", "EAI_AGAIN"]);

/** Operator intervention: shutting down, crashed, starting; a statement that was cancelled, which nobody here ever asks for: by hand, or
 *  for a `statement_timeout` of the operator's on a busy database. Too many connections passes as well. A session that may only
 *  read (25006) is one of a standby, or of a primary that became one: another session reaches the new primary.
 *  Source: PostgreSQL, appendix A, error codes. */
const sqlStates = new Set(["57014", "57P01", "57P02", "57P03", "53300", "25006"]);

/** pg reports these without a code. */
const messages = /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|timeout expired|Client has encountered a connection error|Client was closed|Cannot use a pool after)/;

/** True when the connection failed, not the statement: the same statement may succeed on another session. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  if (typeof code === "string") {
    return systemCodes.has(code) || sqlStates.has(code) || code.startsWith("08");
  }
  if (error instanceof AggregateError) return error.errors.some(isConnectionError);
  return messages.test(error.message);
}

/** True when PostgreSQL refused a statement for its values (data, constraints, PostgreSQL's own limits): the same ones will be
 *  refused again. Source: PostgreSQL, appendix A, classes 22, 23 and 54. */
export function isRefusalOfValues(error: unknown): error is Error {
  return error instanceof pg.DatabaseError && /^(22|23|54)/.test(error.code ?? "");
}

/** True when PostgreSQL refused a statement for reasons of its own: locks, memory, its disk, a schema that is newer. */
export function isTroubleOfDatabase(error: unknown): error is Error {
  return error instanceof pg.DatabaseError && !isRefusalOfValues(error);
}

/** True when PostgreSQL itself says that it refused the statement: then nothing was done. After any other error of a statement
 *  that was sent, whatever its name, it is unknown whether it was done. */
export function isRefusal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && !isConnectionError(error) && !/^(08|57)/.test(error.code ?? "08");
}
