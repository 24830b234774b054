// The shell commands of the generated model pages (docs/wire-contract.md, "Model pages"): pasted into a shell, they work.

import type { Manifest, Parameter } from "./manifest.ts";
import { kindOf } from "./parameter-kind.ts";
import { modelPath } from "./model-page-path.ts";

/** Written where the reader's own key belongs. */
export const keyPlaceholder = "{{useSelectedProjectAPIKey}}";

const callbackSample =
  "You can provide a callback URL; Wiro will send a POST request to it when the task is completed.";

export const headerCommands = `  # Sign up Wiro dashboard and create project
  export YOUR_API_KEY="${keyPlaceholder}";
  export YOUR_API_SECRET="XXXXXXXXX";

  # unix time or any random integer value
  export NONCE=$(date +%s);

  # hmac-SHA256 (YOUR_API_SECRET+Nonce) with YOUR_API_KEY
  export SIGNATURE="$(echo -n "\${YOUR_API_SECRET}\${NONCE}" | openssl dgst -sha256 -hmac "\${YOUR_API_KEY}")";`;

export function runUrl(manifest: Pick<Manifest, "owner" | "slug">, api: string): string {
  return `${api}/Run/${modelPath(manifest)}`;
}

/** Run with every input at its default, and a sentence as `callbackUrl`: that is how the page tells of it. */
export function runCommand(manifest: Manifest, api: string): string {
  const body = { ...sampleInput(manifest), callbackUrl: callbackSample };
  return postCommand(runUrl(manifest, api), JSON.stringify(body, null, 2));
}

/** A command about one task, by one name of its identifier. */
export function taskCommand(endpoint: "Detail" | "Kill" | "Cancel", api: string, identifier: Record<string, string>): string {
  return postCommand(`${api}/Task/${endpoint}`, JSON.stringify(identifier, null, 2));
}

/** Every input at its default, as the page writes it: `number` bare, all else quoted, several files as a list. */
export function sampleInput(manifest: Pick<Manifest, "parameters">): Record<string, string | number | string[]> {
  const items = manifest.parameters.flatMap((group) => group.items);
  return Object.fromEntries(items.map((item) => [item.id, sampleValue(item)]));
}

function sampleValue(item: Parameter): string | number | string[] {
  const isList = (kindOf(item) === "files" && item.type !== "fileinput") || kindOf(item) === "choices";
  if (isList && item.default.includes(",")) return item.default.split(",").map((one) => one.trim());
  return kindOf(item) === "whole" && item.default.trim() !== "" ? Number(item.default) : item.default;
}

/** One line up to the body, so that it runs as it stands; a quote inside the body cannot end it. */
function postCommand(url: string, body: string): string {
  const headers = ["Content-Type: multipart/form-data", "x-api-key: ${YOUR_API_KEY}", "x-nonce: ${NONCE}"];
  const options = [...headers, "x-signature: ${SIGNATURE}"].map((header) => `-H "${header}"`).join(" ");
  return `curl -X POST "${url}" ${options} -d '${body.replaceAll("'", `'\\''`)}';`;
}
