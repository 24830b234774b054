// Asks whether a port can be had, and finds the first that can.

import { createServer } from "node:net";

import { limits } from "../limits.ts";

/** Why the port cannot be listened on (a system error code), or undefined when it can. */
export async function portProblem({ host, port }: { host: string; port: number }): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
}

/** The first free port from `port` on; 0 (any) when there is none within the limit. */
export async function firstFreePort({ host, port }: { host: string; port: number }): Promise<number> {
  for (let offset = 0; offset < limits.portTries && port + offset <= 65_535; offset += 1) {
    if ((await portProblem({ host, port: port + offset })) === undefined) return port + offset;
  }
  return 0;
}
