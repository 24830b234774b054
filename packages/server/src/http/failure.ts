// Turns whatever went wrong into the envelope, and writes what nobody expected to the log.

import { failureEnvelope } from "@atelier/schema/wire-envelope";
import type { FailureEnvelope } from "@atelier/schema/wire-envelope";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";

import { AtelierError } from "../errors.ts";
import type { Log } from "../log.ts";

/** Answers a request whose handling threw. Never shows more than the registered text of an expected failure. */
export function sendFailure(
  log: Log,
  error: unknown,
  exchange: { request: FastifyRequest; reply: FastifyReply },
): void {
  const { request, reply } = exchange;
  const failure = asAtelierError(error);
  if (failure.httpStatus >= 500) {
    logFailure(log, failure, { requestId: request.id, route: request.routeOptions.url });
    // Seconds: clients that retry honour it.
    reply.header("retry-after", "2");
  }
  const { seconds } = failure.details;
  if (failure.code === "RATE_LIMITED") reply.header("retry-after", String(seconds));
  reply.status(failure.httpStatus).header("content-type", "application/json; charset=utf-8").send(envelopeOf(failure));
}

/** A full disk, a database that is away and a wait that ended are told in a line without a stack: nothing broke here. */
function logFailure(log: Log, failure: AtelierError, facts: { requestId: string; route: string | undefined }): void {
  const { code, cause } = failure;
  if (code === "SERVER_FAULT") log.error({ err: cause ?? failure, ...facts }, "http.fault");
  else log.warn({ code, reason: cause instanceof Error ? cause.message : undefined, ...facts }, "http.refused");
}

export function envelopeOf(failure: AtelierError): FailureEnvelope {
  return failureEnvelope({ code: failure.wireCode, message: failure.message, at: new Date() });
}

function asAtelierError(error: unknown): AtelierError {
  if (error instanceof AtelierError) return error;
  // What the framework itself refuses (a URL that cannot be decoded, a path that is too long) has a 4xx status.
  const status = (error as Partial<FastifyError> | null)?.statusCode ?? 500;
  if (status >= 400 && status < 500) return new AtelierError("ROUTE_UNKNOWN", {}, { cause: error });
  return new AtelierError("SERVER_FAULT", {}, { cause: error });
}
