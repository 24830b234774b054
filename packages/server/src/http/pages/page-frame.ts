// The frame of every page for people: one style, no script, nothing from elsewhere.

import { createHash } from "node:crypto";

import type { FastifyReply } from "fastify";

import { html } from "../html.ts";
import type { Html } from "../html.ts";

const style = `
:root { color-scheme: light dark; --paper: #fdfcfa; --ink: #1d1b1a; --soft: #625c57; --line: #dcd6cf; --panel: #f4f0ea; --link: #7a3b12; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #161413; --ink: #ece7e1; --soft: #a89f96; --line: #38322d; --panel: #211e1b; --link: #f0b07a; }
}
* { box-sizing: border-box; }
body { font: 1rem/1.6 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 64rem; margin: 0 auto; padding: 1.5rem; }
a { color: var(--link); }
a:focus-visible, pre:focus-visible, summary:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { position: static; }
h1 { font-size: 2rem; line-height: 1.2; margin: 1rem 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; margin: 2.5rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
.intro { display: grid; gap: 1.5rem; align-items: start; }
@media (min-width: 48rem) { .intro { grid-template-columns: minmax(0, 5fr) minmax(0, 4fr); } }
.cover { display: block; width: 100%; aspect-ratio: 4 / 3; object-fit: cover; border-radius: .75rem; background: var(--panel); color: var(--soft); }
.quiet { color: var(--soft); margin: 0; }
.tags { list-style: none; display: flex; flex-wrap: wrap; gap: .4rem; padding: 0; margin: 1rem 0; }
.tags li { font-size: .85rem; padding: .1rem .6rem; border: 1px solid var(--line); border-radius: 1rem; background: var(--panel); }
.facts { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 1rem 0; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--soft); padding-bottom: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .6rem .75rem .6rem 0; border-bottom: 1px solid var(--line); }
tbody th { font-weight: 600; }
@media (min-width: 48rem) { td:nth-child(3) { white-space: nowrap; } }
td small, th small { display: block; font-weight: 400; color: var(--soft); }
code, pre { font-family: ui-monospace, monospace; font-size: .875rem; }
code { overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: 1rem; background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; }
pre code { overflow-wrap: normal; }
details { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1rem; margin: .5rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; }
.models { list-style: none; padding: 0; display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(18rem, 100%), 1fr)); }
.models h2 { border: 0; margin: .75rem 0 .25rem; padding: 0; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); }
`;

/** The one style and pictures of this server; no script, no frame, no form, nothing from another origin. */
const policy = [
  "default-src 'none'",
  "img-src 'self'",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** A whole page. `description`: for search engines and link previews; plain text. */
export function pageFrame(page: { title: string; description: string; body: Html }): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${page.title} · Atelier</title>
<meta name="description" content="${page.description}">
<style>${{ html: style }}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<nav aria-label="Site"><a href="/">Models</a></nav>
<main id="content">
${page.body}
</main>
<footer>Served by Atelier. For programs: <a href="/llms.txt">/llms.txt</a>, <a href="/openapi.json">/openapi.json</a></footer>
</body>
</html>
`.html;
}

/** Code that scrolls sideways; a keyboard can reach it. */
export function codeBlock(label: string, code: string): Html {
  return html`<pre tabindex="0" role="region" aria-label="${label}"><code>${code}</code></pre>`;
}

export function sendPage(reply: FastifyReply, page: string, status = 200): FastifyReply {
  return reply
    .status(status)
    .headers({
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "referrer-policy": "no-referrer",
      "cache-control": "no-cache",
    })
    .send(page);
}

export function sendText(reply: FastifyReply, text: string): FastifyReply {
  return reply.headers({ "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache" }).send(text);
}
