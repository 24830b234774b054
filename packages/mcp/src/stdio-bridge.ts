// Lets a client that starts programs speak to a server's `/mcp`: what comes on stdin is posted, the answers go to stdout.

import type { Readable, Writable } from "node:stream";

import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";

/** Posts one message; undefined when there is nothing to answer. Its error's message is told to the client. */
export type PostMessage = (message: JSONRPCMessage, signal: AbortSignal) => Promise<JSONRPCMessage | undefined>;

/** Resolves when the client has closed its end, or `signal` is aborted; requests under way are given up then. */
export async function bridgeStdio(
  post: PostMessage,
  { stdin, stdout, signal }: { stdin: Readable; stdout: Writable; signal: AbortSignal },
): Promise<void> {
  const gone = new AbortController();
  const all = AbortSignal.any([signal, gone.signal]);
  const transport = new StdioServerTransport(stdin, stdout);
  const pending = new Set<Promise<void>>();
  transport.onmessage = (message) => {
    const answering = forward(message).finally(() => pending.delete(answering));
    pending.add(answering);
  };
  const forward = async (message: JSONRPCMessage): Promise<void> => {
    const answer = await post(message, all).catch((error: unknown) => failureOf(message, error));
    if (answer && !all.aborted) await transport.send(answer);
  };
  const ended = new Promise<void>((resolve) => {
    stdin.once("end", resolve).once("close", resolve);
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await transport.start();
  await ended;
  gone.abort();
  await Promise.all(pending);
  await transport.close();
}

/** -32603 is JSON-RPC's internal error. */
function failureOf(message: JSONRPCMessage, error: unknown): JSONRPCMessage | undefined {
  if (!("method" in message) || !("id" in message)) return undefined;
  const text = error instanceof Error ? error.message : String(error);
  return { jsonrpc: "2.0", id: message.id, error: { code: -32603, message: text } };
}
