// The inputs of a model as a table with words in place of keys.

import type { Manifest, Parameter } from "@atelier/schema/manifest";

import { html } from "../html.ts";
import type { Html } from "../html.ts";

/** What a label or help key means; undefined for text that is no key. */
export type TextOf = (key: string) => string | undefined;

export function inputTable(manifest: Pick<Manifest, "parameters">, textOf: TextOf): Html {
  const rows = manifest.parameters.flatMap((group) => group.items).map((item) => inputRow(item, textOf));
  return html`<table>
<caption>What a run takes. Whatever is left out has its default.</caption>
<thead><tr><th scope="col">Input</th><th scope="col">Meaning</th><th scope="col">Type</th><th scope="col">Default</th></tr></thead>
<tbody>
${rows}</tbody>
</table>`;
}

function inputRow(item: Parameter, textOf: TextOf): Html {
  const label = textOf(item.label) ?? item.label;
  const help = item.description ?? textOf(item.note) ?? item.note;
  const required = item.required ? html`<small>required</small>` : html``;
  return html`<tr><th scope="row">${label}<small><code>${item.id}</code></small>${required}</th>
<td>${help}${options(item)}</td><td>${typeText(item)}</td><td><code>${item.default}</code></td></tr>
`;
}

function options(item: Parameter): Html {
  if (!item.options?.length) return html``;
  const entries = item.options.map(({ label, value, cover }) => html`<li>${pictureOf(cover)}<code>${value}</code> ${label}</li>`);
  return html`<ul>${entries}</ul>`;
}

/** The label says in words what the picture shows. Under whatever name the reader has come to this server, it is there. */
function pictureOf(cover: string | undefined): Html {
  return cover === undefined ? html`` : html`<img src="${new URL(cover, "http://localhost").pathname}" alt="" width="64" loading="lazy"> `;
}

function typeText(item: Parameter): Html {
  const { min, max } = item;
  const range = min === undefined || max === undefined ? html`` : html`<small>${min} to ${max}</small>`;
  return html`${typeNames[item.type]}${range}`;
}

const typeNames: Readonly<Record<Parameter["type"], string>> = {
  text: "text",
  textarea: "text",
  select: "one of the options",
  selectwithcover: "one of the options",
  multiselect: "some of the options",
  number: "whole number",
  integer: "whole number",
  float: "number",
  range: "number",
  numeric: "number",
  checkbox: "true or false",
  color: "a colour as #rrggbb",
  fileinput: "a file or its URL",
  multifileinput: "files or their URLs",
  combinefileinput: "files or their URLs",
};
