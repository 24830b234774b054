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
  if (publicUrl === "") publicUrl = `http://${localName(config.host)}:${port}`;
  let stopped: Promise<void> | undefined;
  return {
    port,
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

/** How this machine names the address that it listens on. */
function localName(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
