// The page of a model: what it is, what it costs, what it takes, and programs that run it. Plain HTML, no script.

import { cleanModelName } from "@atelier/schema/manifest";
import type { Manifest, Price } from "@atelier/schema/manifest";
import { modelPath } from "@atelier/schema/model-page-path";
import { codeSamples } from "@atelier/schema/model-page-samples";
import { pricesOf } from "@atelier/schema/price";
import type { ModelStatistics } from "@atelier/schema/wire-tool";
import { meanCost, meanTime } from "@atelier/schema/wire-tool-price";

import { coverName } from "../../models/registry.ts";
import { html } from "../html.ts";
import type { Html } from "../html.ts";
import { inputTable } from "./input-table.ts";
import type { TextOf } from "./input-table.ts";
import { codeBlock, pageFrame } from "./page-frame.ts";

export interface ModelPageFacts {
  /** Base of the REST API, `https://…/v1`. */
  readonly api: string;
  readonly statistics: ModelStatistics;
  readonly textOf: TextOf;
}

export function modelPage(manifest: Manifest, facts: ModelPageFacts): string {
  const body = html`<div class="intro">
<div>
<h1>${manifest.title}</h1>
<p class="quiet"><code>${cleanModelName(manifest)}</code></p>
<p>${manifest.description}</p>
${manifest.origin === undefined ? html`` : html`<p class="quiet">${manifest.origin}</p>`}
<ul class="tags" aria-label="Categories and tags">${[...manifest.categories, ...manifest.tags].map((name) => html`<li>${name}</li>`)}</ul>
${priceFacts(manifest, facts.statistics)}
</div>
${cover(manifest)}
</div>
<h2 id="inputs">Inputs</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Inputs">${inputTable(manifest, facts.textOf)}</div>
${exampleSection(manifest)}
<h2 id="run">Run it</h2>
<p>Each of these starts a run with the defaults, waits for its end and prints the addresses of what it made. Key and secret
come from the environment, as <code>YOUR_API_KEY</code> and <code>YOUR_API_SECRET</code>.</p>
${codeSamples(manifest, facts.api).map((sample) => html`<h3>${sample.language} <small class="quiet">(${sample.needs})</small></h3>
${codeBlock(`${sample.language} program`, sample.code)}
`)}
${addresses(manifest, facts.api)}`;
  return pageFrame({ title: manifest.title, description: manifest.description, body });
}

/** A cover that cannot be loaded leaves its words on a panel of the same size. */
export function cover(manifest: Manifest): Html {
  if (manifest.cover === "") return html``;
  const address = `/uploads/models/${encodeURIComponent(coverName(manifest))}`;
  return html`<img class="cover" src="${address}" alt="Cover of ${manifest.title}">`;
}

function priceFacts(manifest: Manifest, statistics: ModelStatistics): Html {
  const { meanElapsedSeconds, runCount } = statistics;
  const measured =
    meanElapsedSeconds === null
      ? html`<dt>A run</dt><dd>not measured yet</dd>`
      : html`<dt>A run</dt><dd>${meanTime(meanElapsedSeconds)}, about $${shortPrice(meanCost(manifest, meanElapsedSeconds))} in the mean</dd>`;
  return html`<dl class="facts"><dt>Price</dt>${pricesOf(manifest).map(priceEntry)}
${measured}
<dt>Runs so far</dt><dd>${runCount}</dd></dl>`;
}

const units = { cps: "per second", cpr: "per run", cpo: "per output" } as const;

function priceEntry({ inputs, price, priceMethod }: Price): Html {
  const cases = Object.entries(inputs).map(([id, value]) => `${id} ${value.replace(/^QUANTITY:/, "× ")}`);
  const where = cases.length === 0 ? "" : ` with ${cases.join(", ")}`;
  return html`<dd>$${shortPrice(price)} ${units[priceMethod]}${where}${priceMethod === "cps" ? " of a run that succeeds" : ", where the run succeeds"}</dd>`;
}

/** Without the zeros that the wire pads with. */
function shortPrice(amount: string): string {
  return amount.replace(/(\.[0-9]*?)0+$/, "$1").replace(/\.$/, "");
}

function exampleSection(manifest: Manifest): Html {
  if (manifest.examples.length === 0) return html``;
  return html`<h2 id="examples">Examples</h2>
${manifest.examples.map((example, index) => exampleDetails(example, index + 1))}`;
}

function exampleDetails(example: Manifest["examples"][number], number: number): Html {
  const entries = Object.entries(example);
  const longest = Object.values(example).reduce((a, b) => (b.length > a.length ? b : a), "");
  const terms = entries.map(([name, value]) => html`<dt><code>${name}</code></dt><dd>${value}</dd>`);
  return html`<details><summary>${number}. ${shortened(longest)}</summary><dl class="facts">${terms}</dl></details>
`;
}

function shortened(text: string): string {
  const characters = [...text];
  return characters.length <= 90 ? text : `${characters.slice(0, 89).join("")}…`;
}

function addresses(manifest: Manifest, api: string): Html {
  const name = modelPath(manifest);
  return html`<h2 id="addresses">Addresses</h2>
<dl class="facts"><dt>Run</dt><dd><code>POST ${api}/Run/${name}</code></dd>
<dt>Task</dt><dd><code>POST ${api}/Task/Detail</code></dd>
<dt>As text</dt><dd><a href="/models/${name}/llms-full.txt">/models/${name}/llms-full.txt</a>: every command with a sample of its answer</dd></dl>`;
}
