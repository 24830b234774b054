// The first page: every model of this server.

import { cleanModelName } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";
import { modelPath } from "@atelier/schema/model-page-path";

import { html } from "../html.ts";
import type { Html } from "../html.ts";
import { cover } from "./model-page.ts";
import { pageFrame } from "./page-frame.ts";

export function modelListPage(manifests: readonly Manifest[]): string {
  const list =
    manifests.length === 0
      ? html`<p>This server has no models. Put a manifest into its models folder and start it again.</p>`
      : html`<ul class="models">${manifests.map(modelEntry)}</ul>`;
  return pageFrame({
    title: "Models",
    description: "The image models of this server.",
    body: html`<h1>Models</h1>
${list}`,
  });
}

/** There is nothing at an address: says so, and where to go on. */
export function missingPage(): string {
  return pageFrame({
    title: "No such model",
    description: "There is no model at this address.",
    body: html`<h1>No such model</h1>
<p>There is no model at this address. <a href="/">All models</a></p>`,
  });
}

function modelEntry(manifest: Manifest): Html {
  return html`<li>${cover(manifest)}
<h2><a href="/models/${modelPath(manifest)}">${manifest.title}</a></h2>
<p class="quiet"><code>${cleanModelName(manifest)}</code></p>
<p>${manifest.description}</p></li>
`;
}
