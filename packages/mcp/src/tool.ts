// How a tool is declared: the schemas of its input and its answer, and the work between them.

import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { CallToolResult, ToolAnnotations } from "@modelcontextprotocol/sdk/types.js";
import type { z } from "zod";

import { ApiFailure } from "./api.ts";
import type { Api } from "./api.ts";
import type { DocsSection } from "./search-sections.ts";

export interface ToolContext {
  readonly api: Api;
  /** The documentation in sections, the same for everybody. */
  readonly docs: () => Promise<readonly DocsSection[]>;
  /** Where people read it. */
  readonly docsUrl: string;
  /** Aborted when nobody waits any longer: a tool that waits then answers what it knows. */
  readonly signal: AbortSignal;
  /** Told of what went wrong by our own fault: its caller learns only that something did. */
  readonly onFault: (error: unknown) => void;
}

interface Tool<Input extends z.ZodObject, Answer extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: Input;
  readonly answer: Answer;
  readonly hints: ToolAnnotations;
  readonly work: (context: ToolContext, input: z.output<Input>) => Promise<z.input<Answer>>;
}

export interface RegisteredTool {
  readonly addTo: (server: McpServer, context: ToolContext) => void;
}

/** Looks, and changes nothing. */
export const readOnly: ToolAnnotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };

/** A refusal of the server is an answer that the model can read and act on; anything else is our fault, whose words are not for callers. */
export function tool<Input extends z.ZodObject, Answer extends z.ZodObject>(declared: Tool<Input, Answer>): RegisteredTool {
  const { name, title, description, input, answer, hints, work } = declared;
  const config = { title, description, inputSchema: input as z.ZodObject, outputSchema: answer as z.ZodObject, annotations: hints };
  return {
    addTo(server, context) {
      server.registerTool(name, config, async (given: unknown): Promise<CallToolResult> => {
        try {
          const structuredContent = answer.parse(await work(context, input.parse(given)));
          return { content: [{ type: "text", text: JSON.stringify(structuredContent, undefined, 2) }], structuredContent };
        } catch (error) {
          if (!(error instanceof ApiFailure)) context.onFault(error);
          const text = error instanceof ApiFailure ? error.message : "The server failed. Try again in a few seconds.";
          return { content: [{ type: "text", text }], isError: true };
        }
      });
    },
  };
}
