// The configurations of MCP clients that docs/mcp.md shows.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface Configuration {
  readonly mcpServers: {
    readonly atelier: {
      readonly url?: string;
      readonly headers?: Record<string, string>;
      readonly command?: string;
      readonly args?: string[];
      readonly env?: Record<string, string>;
    };
  };
}

/** By HTTP first, then by stdio. */
export async function documentedConfigurations(): Promise<Configuration[]> {
  const page = await readFile(join(import.meta.dirname, "../../docs/mcp.md"), "utf8");
  return [...page.matchAll(/```json\n([^]*?)```/g)].map((match) => JSON.parse(match[1] ?? "") as Configuration);
}

/** A project's key and secret in the place of the words that stand for them. */
export function withKeys(text: string, { apikey, apisecret }: { apikey: string; apisecret: string | null }): string {
  return text.replace(/\bKEY\b/, apikey).replace(/\bSECRET\b/, apisecret ?? "");
}
