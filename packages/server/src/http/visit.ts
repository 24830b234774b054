// What is known of every request before its route: from where it comes, and that it is within the limits.

import type { IncomingMessage } from "node:http";

import type { FastifyInstance, FastifyRequest } from "fastify";

import type { Log } from "../log.ts";
import { openClientOrigin } from "./client-address.ts";
import type { ClientOrigin } from "./client-address.ts";
import { openForwardedClient } from "./forwarding-caller.ts";
import { RequestLimits } from "./request-limits.ts";
import type { Admission, RequestRates } from "./request-limits.ts";

export interface AccessRules extends RequestRates {
  /** Networks in CIDR notation whose `X-Forwarded-*` headers are believed. */
  readonly trustedProxies: readonly string[];
  /** Shared with servers that call for their own clients; undefined: none is believed. */
  readonly callerSecret?: string | undefined;
}

/** Believes no proxy and counts nothing: for tests. */
export const openAccess: AccessRules = Object.freeze({
  keyRequestsPerMinute: 0,
  addressRequestsPerMinute: 0,
  trustedProxies: [],
});

export interface Visit extends ClientOrigin, Admission {}

declare module "fastify" {
  interface FastifyContextConfig {
    /** False for a route that is not counted: it has another guard against floods, and says which. */
    readonly isCounted?: boolean;
  }
  interface FastifyRequest {
    [visitKey]?: Visit;
    [originKey]?: ClientOrigin;
  }
}

/** Properties of the request itself. What a WeakMap holds for a key that is gone outlives it until the next collection of the
 *  whole heap, and an entry for each request makes the frequent small ones slow. */
const visitKey: unique symbol = Symbol("visit");
const originKey: unique symbol = Symbol("origin");

export type AdmitSocket = (request: IncomingMessage) => ClientOrigin;

/** Counts every request before its route sees it. Returns the same check for sockets, whose requests reach no route; it
 *  throws RATE_LIMITED. */
export function addVisits(app: FastifyInstance, { access, log }: { access: AccessRules; log: Log }): AdmitSocket {
  const readConnection = openClientOrigin(access.trustedProxies);
  const readForwarded = openForwardedClient(access.callerSecret);
  const readOrigin = (request: IncomingMessage): ClientOrigin => {
    const origin = readConnection(request);
    return { ...origin, address: readForwarded(request) ?? origin.address };
  };
  const counts = new RequestLimits(access);
  let hasWarned = false;
  app.decorateRequest(originKey, undefined).decorateRequest(visitKey, undefined);
  app.addHook("onRequest", async (request) => {
    const origin = readOrigin(request.raw);
    if (origin.hasIgnoredForwarding && !hasWarned) {
      hasWarned = true;
      const remedy = "If it is your proxy, list it in ATELIER_TRUSTED_PROXIES: until then all its clients count as one address.";
      log.warn({ address: origin.address, remedy }, "http.forwarding_ignored");
    }
    request[originKey] = origin;
    const isCounted = request.routeOptions.config?.isCounted ?? true;
    request[visitKey] = { ...origin, ...(isCounted ? counts.admit(origin.address, keyIn(request.raw)) : uncounted) };
  });
  return (request) => {
    const origin = readOrigin(request);
    counts.admit(origin.address, keyIn(request));
    return origin;
  };
}

const uncounted: Admission = { prove: () => undefined, refuse: () => undefined, spendNonce: () => undefined };

/** Throws when the server has no `addVisits`: a route of such a server would be unguarded. */
export function visitOf(request: FastifyRequest): Visit {
  const visit = request[visitKey];
  if (!visit) throw new Error("the server counts no requests");
  return visit;
}

/** Undefined for what is not even a request. */
export function originOf(request: FastifyRequest): ClientOrigin | undefined {
  return request[originKey];
}

function keyIn(request: IncomingMessage): string {
  const header = request.headers["x-api-key"];
  return typeof header === "string" ? header.trim() : "";
}
