// The generated page of the seed's model, as it was printed (with its white space collapsed), and the commands in it.

import { readFileSync } from "node:fs";
import { join } from "node:path";

export const seedPage = readFileSync(join(import.meta.dirname, "seed-page.txt"), "utf8");

const host = "https://api.wiro.ai";

/** The assignments of "Integration Header Prepare", one statement per line; the collapsed comments between them are left
 *  out, because without line ends they would comment out what follows. */
export function headerStatements(credentials: { apiKey: string; apiSecret: string }): string {
  const statements = block("Integration Header Prepare").match(/export [A-Z_]+=[^;]*;/g) ?? [];
  return statements
    .join("\n")
    .replace("{{useSelectedProjectAPIKey}}", credentials.apiKey)
    .replace("XXXXXXXXX", credentials.apiSecret);
}

/** The command under a heading, with the host and the printed sample values exchanged. */
export function seedCommand(heading: string, changes: { url: string } & Record<string, string>): string {
  const { url, ...samples } = changes;
  let command = block(heading).replace(host, url);
  for (const [printed, actual] of Object.entries(samples)) {
    if (!command.includes(printed)) throw new Error(`the command "${heading}" does not print ${printed}`);
    command = command.replace(printed, actual);
  }
  return command;
}

/** The printed answer under a heading. The page prints task categories with their inner quotes unescaped, which is no JSON:
 *  they are escaped here. */
export function seedAnswer(heading: string): Record<string, unknown> {
  const text = block(heading).replace(/"categories": "(\[.*?\])"/, (_all, list: string) => `"categories": ${JSON.stringify(list)}`);
  return JSON.parse(text) as Record<string, unknown>;
}

/** The text between two headings. */
export function section(heading: string): string {
  const start = seedPage.indexOf(`## ${heading} `);
  if (start < 0) throw new Error(`the page has no section "${heading}"`);
  const text = seedPage.slice(start + heading.length + 4);
  const end = text.indexOf(" ## ");
  return end < 0 ? text : text.slice(0, end);
}

function block(heading: string): string {
  const found = /```(?:bash|json) (.*?) ```/.exec(section(heading))?.[1];
  if (found === undefined) throw new Error(`the section "${heading}" has no code`);
  return found;
}
