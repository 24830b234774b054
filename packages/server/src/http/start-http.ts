// Starts and stops the HTTP server on its port.

import type { AddressInfo } from "node:net";

import type { FastifyInstance } from "fastify";

import { limits } from "../limits.ts";
import type { HttpDeps } from "./http-deps.ts";
import { buildServer } from "./server.ts";

export interface HttpConfig {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Where the server is reached from outside; undefined: the address it listens on. */
  readonly publicUrl: string | undefined;
}

export interface RunningHttp {
  readonly port: number;
  /** Where clients on this machine reach it, without a trailing slash. */
  readonly localUrl: string;
  /** The public URL in use, without a trailing slash. */
  readonly publicUrl: string;
  /** Takes no more connections and lets open requests finish for a moment. */
  stop(): Promise<void>;
}

/** Listens. Rejects with the system's error (`EADDRINUSE`, `EACCES`) when the port cannot be had. */
export async function startHttp(deps: HttpDeps & { readonly config: HttpConfig }): Promise<RunningHttp> {
  const { config, ...rest } = deps;
  let publicUrl = config.publicUrl?.replace(/\/+$/, "") ?? "";
  const app = buildServer({ ...rest, publicUrl: () => publicUrl });
  await app.listen({ host: config.host, port: config.port });
  // A listening TCP server has an address with a port.
  const { port } = app.server.address() as AddressInfo;
  const localUrl = `http://${localName(config.host)}:${port}`;
  if (publicUrl === "") publicUrl = localUrl;
  let stopped: Promise<void> | undefined;
  return {
    port,
    localUrl,
    publicUrl,
    stop() {
      stopped ??= stop(app);
      return stopped;
    },
  };
}

async function stop(app: FastifyInstance): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), limits.httpStopMs);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
}

/** The address by which this machine reaches itself. */
function localName(host: string): string {
  if (isEveryAddress(host)) return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

/** True for the hosts that stand for all addresses of this machine. */
export function isEveryAddress(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
