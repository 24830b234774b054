// What the catalogue tells of a model as HTML that another site can put into its own page.

import type { Manifest } from "@atelier/schema/manifest";

import { html } from "../html.ts";
import { inputTable } from "./input-table.ts";
import type { TextOf } from "./input-table.ts";

/** Markup without styles, scripts or addresses; every value is escaped. */
export function modelReadme(manifest: Manifest, textOf: TextOf): string {
  return html`<p>${manifest.description}</p>
${inputTable(manifest, textOf)}`.html;
}
