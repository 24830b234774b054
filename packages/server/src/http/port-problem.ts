// Why a port cannot be listened on, in words; asked before anything is made that a server needs.

import { createServer } from "node:net";

import { OperatorError } from "../operator-error.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

/** What follows "port N on HOST", or undefined when it can be listened on. */
export async function portProblem({ host, port }: Address): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", (error) => resolve(wordsFor(error) ?? `cannot be used: ${error.message}`));
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
}

/** Throws PORT_BUSY when the port cannot be listened on. */
export async function expectPort(address: Address): Promise<void> {
  const problem = await portProblem(address);
  if (problem !== undefined) throw portBusy(address, problem);
}

/** PORT_BUSY for a failure to listen that a person can mend; undefined for any other. */
export function asPortBusy(address: Address, cause: unknown): OperatorError | undefined {
  const problem = wordsFor(cause);
  return problem === undefined ? undefined : portBusy(address, problem, cause);
}

function portBusy({ host, port }: Address, problem: string, cause?: unknown): OperatorError {
  const remedy = "Choose another with --port, or --port 0 for any free one.";
  return new OperatorError("PORT_BUSY", { problem: `Port ${port} on ${host} ${problem}.`, remedy }, { cause });
}

function wordsFor(error: unknown): string | undefined {
  return words[(error as NodeJS.ErrnoException).code ?? ""];
}

const words: Readonly<Record<string, string>> = {
  EADDRINUSE: "is used by another program",
  EACCES: "may not be used by this user",
  EADDRNOTAVAIL: "cannot be used: this machine does not have that address",
  ENOTFOUND: "cannot be used: that name has no address",
};
