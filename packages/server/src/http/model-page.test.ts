import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { html } from "./html.ts";
import { modelPage } from "./model-page.ts";
import { publicUrl, startTestServer } from "./test-server.ts";
import type { TestServer } from "./test-server.ts";

describe("pages", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.stop());

  it("the model's page names its inputs and the commands that run it", async () => {
    const response = await server.app.inject("/models/ArsMachina/Baroque%20Space%20Opera%20v1");
    expect(response.statusCode).toBe(200);
    expect(response.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(response.headers["content-security-policy"]).toContain("default-src 'none'");
    expect(response.body).toContain("<h1>Baroque Space Opera v1</h1>");
    expect(response.body).toContain('src="/uploads/models/ArsMachina-Baroque-Space-Opera-v1-cover.jpeg"');
    expect(response.body).toContain(`${publicUrl}/v1/Run/arsmachina/baroque-space-opera-v1`);
    for (const id of ["prompt", "samples", "steps", "scale", "seed", "width", "height"]) {
      expect(response.body).toContain(`<code>${id}</code>`);
    }
    expect(response.body).not.toContain("<script");
  });

  it("the first page lists the models", async () => {
    const response = await server.app.inject("/");
    expect(response.body).toContain('href="/models/arsmachina/baroque-space-opera-v1"');
    expect(response.body).toContain('href="/models/atelier/starter"');
  });

  it("an unknown model has no page", async () => {
    expect((await server.app.inject("/models/a/b")).statusCode).toBe(404);
  });

  it("nothing in a manifest becomes markup, or ends the shell's quotes", async () => {
    const manifest = structuredClone(server.context.models.list()[0]);
    if (!manifest) throw new Error("no model");
    manifest.title = '<script>alert("t")</script>';
    const [prompt] = manifest.parameters[0]?.items ?? [];
    if (prompt) prompt.default = "it's <b>bold</b>";
    const page = modelPage(manifest, publicUrl);
    expect(page).not.toMatch(/<script|<b>/);
    expect(page).toContain("it&#39;\\&#39;&#39;s");
  });
});

describe("html", () => {
  it("escapes values, but not what it made itself", () => {
    expect(html`<p title="${`"'&<>`}">${html`<b>${"<i>"}</b>`}${[html`1`, html`2`]}</p>`.html).toBe(
      '<p title="&quot;&#39;&amp;&lt;&gt;"><b>&lt;i&gt;</b>12</p>',
    );
  });
});
