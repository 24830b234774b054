// The page of a model: what it is, what it takes, and the commands that run it. Plain HTML, no script.

import { createHash } from "node:crypto";

import type { Manifest, Parameter } from "@atelier/schema/manifest";

import { cleanModelName, coverName } from "../models/registry.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { labelText } from "./label-texts.ts";

const style = `
:root { color-scheme: light dark; --line: #8884; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
img { max-width: 100%; border-radius: 8px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line); }
pre { overflow-x: auto; padding: 1rem; border: 1px solid var(--line); border-radius: 8px; }
.tags { opacity: .75; }
`;

/** The only style and nothing else may load on these pages. */
export const pagePolicy = [
  "default-src 'none'",
  "img-src 'self'",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export function modelPage(manifest: Manifest, publicUrl: string): string {
  const items = manifest.parameters.flatMap((group) => group.items);
  return page(
    manifest.title,
    html`<p><a href="/">All models</a></p>
<h1>${manifest.title}</h1>
<p>${manifest.description}</p>
<p class="tags">${[...manifest.categories, ...manifest.tags].join(" · ")}</p>
<img src="/uploads/models/${coverName(manifest)}" alt="Cover of ${manifest.title}">
<h2>Inputs</h2>
<table>
<tr><th>Name</th><th>Meaning</th><th>Type</th><th>Default</th><th>Range</th></tr>
${items.map(parameterRow)}
</table>
<h2>Run it</h2>
<pre>${runCommands(manifest, publicUrl)}</pre>
<p>The answer names the task. Ask for it until its status is <code>task_postprocess_end</code> or <code>task_cancel</code>:</p>
<pre>${detailCommand(publicUrl)}</pre>
<h2>Examples</h2>
${manifest.examples.map(exampleList)}`,
  );
}

export function modelListPage(manifests: readonly Manifest[]): string {
  const rows = manifests.map(
    (manifest) => html`<li><a href="/models/${cleanModelName(manifest)}">${manifest.title}</a> — ${manifest.description}</li>
`,
  );
  return page("Models", html`<h1>Models</h1>
<ul>
${rows}</ul>`);
}

function page(title: string, body: Html): string {
  const style_ = { html: style };
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Atelier</title>
<style>${style_}</style>
</head>
<body>
${body}
</body>
</html>
`.html;
}

function parameterRow(parameter: Parameter): Html {
  const { min, max } = parameter;
  const range = min === undefined || max === undefined ? "" : `${min} to ${max}`;
  return html`<tr><td><code>${parameter.id}</code></td><td>${labelText(parameter.label)}. ${labelText(parameter.note)}</td>
<td>${parameter.type}</td><td>${parameter.default}</td><td>${range}</td></tr>
`;
}

function exampleList(example: Manifest["examples"][number]): Html {
  const terms = Object.entries(example).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`);
  return html`<dl>${terms}</dl>
`;
}

/** The signature's commands are those of the wire contract's "Authentication". */
function runCommands(manifest: Manifest, publicUrl: string): string {
  const items = manifest.parameters.flatMap((group) => group.items);
  const input = Object.fromEntries(items.map((item) => [item.id, sampleValue(item)]));
  return `export YOUR_API_KEY="...";
export YOUR_API_SECRET="...";
export NONCE=$(date +%s);
export SIGNATURE="$(echo -n "\${YOUR_API_SECRET}\${NONCE}" | openssl dgst -sha256 -hmac "\${YOUR_API_KEY}")";

${curl(`${publicUrl}/v1/Run/${cleanModelName(manifest)}`)} -d ${shellQuoted(JSON.stringify(input, null, 2))}`;
}

function detailCommand(publicUrl: string): string {
  return `${curl(`${publicUrl}/v1/Task/Detail`)} -d '{ "taskid": "..." }'`;
}

function curl(url: string): string {
  const headers = ["Content-Type: application/json", "x-api-key: ${YOUR_API_KEY}", "x-nonce: ${NONCE}"];
  const options = [...headers, "x-signature: ${SIGNATURE}"].map((header) => `  -H "${header}" \\\n `);
  return `curl -X POST "${url}" \\\n${options.join("")}`;
}

function sampleValue(parameter: Parameter): string | number {
  return parameter.type === "number" ? Number(parameter.default) : parameter.default;
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
