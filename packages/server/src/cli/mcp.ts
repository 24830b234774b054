// atelier mcp: the tools for assistants that start a program and speak to it over stdio; a bridge to the server's `/mcp`.

import { bridgeStdio } from "@atelier/mcp/stdio-bridge";
import type { PostMessage } from "@atelier/mcp/stdio-bridge";
import type { Command } from "commander";

import { readClientEnvironment } from "../config.ts";
import { limits } from "../limits.ts";
import { authHeaders } from "./api-client.ts";
import type { Credentials } from "./api-client.ts";
import { ask } from "./ask.ts";
import { findBaseUrl, findCredentials } from "./local-server.ts";
import type { CommandParts } from "./webhook.ts";

export function addMcp(program: Command, { dataOption, depsOf }: CommandParts, signal: AbortSignal): void {
  program
    .command("mcp")
    .description("speak MCP on stdin and stdout, for assistants that start their tools as programs (docs/mcp.md)")
    .option("--url <url>", "the server (ATELIER_URL, default: the one on the data folder)")
    .addOption(dataOption())
    .action(async (options: { url?: string; data?: string }) => {
      const deps = depsOf(options);
      const environment = readClientEnvironment();
      const givenUrl = options.url ?? environment.url;
      const baseUrl = await findBaseUrl(deps.config, givenUrl);
      const credentials = await findCredentials(deps, environment, givenUrl === undefined);
      await bridgeStdio(postTo(baseUrl, credentials), { stdin: process.stdin, stdout: process.stdout, signal });
    });
}

function postTo(baseUrl: string, credentials: Credentials): PostMessage {
  return async (message, signal) => {
    const body = JSON.stringify(message);
    const { status, bytes } = await ask(`${baseUrl}/mcp`, {
      method: "POST",
      headers: { ...authHeaders(credentials, { target: "/mcp", body }), "content-type": "application/json" },
      body,
      timeoutMs: limits.mcpAnswerMs,
      signal,
    });
    if (bytes.length === 0) return undefined;
    const answer = JSON.parse(bytes.toString("utf8")) as Awaited<ReturnType<PostMessage>> & { errors?: { message: string }[] };
    if (answer.jsonrpc !== "2.0") throw new Error(answer.errors?.map((error) => error.message).join("; ") ?? `HTTP ${status}`);
    return answer;
  };
}
