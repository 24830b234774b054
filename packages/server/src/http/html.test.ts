import { expect, it } from "vitest";

import { html } from "./html.ts";

it("html escapes values, but not what it made itself", () => {
  expect(html`<p title="${`"'&<>`}">${html`<b>${"<i>"}</b>`}${[html`1`, html`2`]}</p>`.html).toBe(
    '<p title="&quot;&#39;&amp;&lt;&gt;"><b>&lt;i&gt;</b>12</p>',
  );
});
