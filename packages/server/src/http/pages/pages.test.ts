import { createHash } from "node:crypto";

import { noStatistics } from "@atelier/schema/wire-tool";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { seedPage } from "../../../../../tests/wire/seed-page.ts";
import { publicUrl, startTestServer } from "../test-server.ts";
import type { TestServer } from "../test-server.ts";
import { modelListPage } from "./model-list-page.ts";
import { modelPage } from "./model-page.ts";
import { modelReadme } from "./model-readme.ts";
import { siteText } from "./site-text.ts";

const path = "/models/arsmachina/baroque-space-opera-v1";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const facts = { api: `${publicUrl}/v1`, statistics: noStatistics, textOf: () => undefined };

describe("the page of a model", () => {
  it("says in words what the model takes, what it costs and how it is run", async () => {
    const { statusCode, headers, body } = await server.app.inject(path);
    expect(statusCode).toBe(200);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(body).toContain("<h1>Baroque Space Opera v1</h1>");
    expect(body).toContain('src="/uploads/models/ArsMachina-Baroque-Space-Opera-v1-cover.jpeg"');
    expect(body).toContain("$0.000585 per second");
    expect(body).toContain("not measured yet");
    for (const words of ["Number of pictures", "How closely the picture follows the prompt.", "1 to 150"]) {
      expect(body).toContain(words);
    }
    for (const id of ["prompt", "samples", "steps", "scale", "seed", "width", "height"]) {
      expect(body).toContain(`<code>${id}</code>`);
    }
    expect(body.match(/<details>/g)).toHaveLength(9);
    expect(body).toContain(`${publicUrl}/v1/Run/arsmachina/baroque-space-opera-v1`);
    for (const language of ["Shell", "JavaScript", "Python"]) expect(body).toContain(`<h3>${language} `);
  });

  it("says of the seed's model that its weights are this project's own, and the page that programs read does not", async () => {
    const words = "an adapter of this project";
    expect((await server.app.inject(path)).body).toContain(words);
    expect((await server.app.inject(`${path}/llms-full.txt`)).body).not.toContain(words);
    expect((await server.app.inject("/models/atelier/starter")).body).not.toContain(words);
  });

  it("is found under every spelling of its name", async () => {
    for (const spelling of ["/models/ArsMachina/Baroque%20Space%20Opera%20v1", "/models/%20arsmachina/BAROQUE-SPACE-OPERA-V1"]) {
      expect((await server.app.inject(spelling)).body).toBe((await server.app.inject(path)).body);
    }
  });

  it.each([path, "/", "/models", "/models/a/b"])("%s loads nothing but its own style and pictures of this server", async (url) => {
    const { headers, body } = await server.app.inject(url);
    const style = /<style>([^]*?)<\/style>/.exec(body)?.[1] ?? "";
    const hash = createHash("sha256").update(style).digest("base64");
    expect(headers["content-security-policy"]).toBe(
      `default-src 'none'; img-src 'self'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(body).not.toMatch(/<script|<link|<iframe|\son[a-z]+=|style="|url\(|@import/);
    const loaded = [...body.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1] ?? "");
    expect(loaded.filter((address) => !/^[/#](?!\/)/.test(address))).toEqual([]);
  });

  it("shows the mean of real runs", () => {
    const [manifest] = server.context.models.list();
    if (!manifest) throw new Error("no model");
    const statistics = { ...noStatistics, runCount: 3, meanElapsedSeconds: "6.0000" };
    expect(modelPage(manifest, { ...facts, statistics })).toContain("6 seconds, about $0.00351 in the mean");
  });

  it("says every price, for what it is and when it is charged", () => {
    const [manifest] = server.context.models.list();
    if (!manifest) throw new Error("no model");
    const prices = [
      { inputs: { samples: "2" }, price: "0.040", priceMethod: "cpo" as const },
      { inputs: { steps: "8" }, price: "0.1", priceMethod: "cpr" as const },
    ];
    const page = modelPage({ ...manifest, prices }, facts);
    const said = [...page.matchAll(/<dd>(\$[^<]*)<\/dd>/g)].map((match) => match[1]);
    expect(said).toEqual([
      "$0.04 per output with samples 2, where the run succeeds",
      "$0.1 per run with steps 8, where the run succeeds",
      "$0.000585 per second of a run that succeeds",
    ]);
  });

  it("nothing in a manifest becomes markup, or ends the shell's quotes", () => {
    const manifest = structuredClone(server.context.models.list()[0]);
    const prompt = manifest?.parameters[0]?.items[0];
    if (!manifest || !prompt) throw new Error("no model");
    const markup = `"><script>alert('x')</script><b>`;
    Object.assign(manifest, { title: markup, description: markup, tags: [markup], categories: [markup], owner: markup });
    manifest.examples = [{ prompt: markup }];
    Object.assign(prompt, { default: markup, label: markup, note: markup, description: markup });
    Object.assign(prompt, { options: [{ label: markup, value: markup }] });
    for (const page of [modelPage(manifest, facts), modelListPage([manifest]), modelReadme(manifest, () => markup)]) {
      expect(page).not.toMatch(/<script|<b>|"">/);
    }
    expect(modelPage(manifest, facts)).toContain("alert(&#39;\\&#39;&#39;x&#39;\\&#39;&#39;)");
  });
});

describe("the list of the models", () => {
  it("links every model", async () => {
    const { body } = await server.app.inject("/");
    for (const name of ["arsmachina/baroque-space-opera-v1", "atelier/starter"]) {
      expect(body).toContain(`href="/models/${name}"`);
    }
  });

  it("says so when there is none", () => {
    expect(modelListPage([])).toContain("This server has no models.");
  });
});

describe("an address without a model", () => {
  it("answers people with a page and 404", async () => {
    const { statusCode, body } = await server.app.inject("/models/a/b");
    expect(statusCode).toBe(404);
    expect(body).toContain('There is no model at this address. <a href="/">All models</a>');
  });

  it.each(["/models/a/b/llms.txt", "/models/a/b/llms-full.txt", "/tools/a/b/llms-full.txt", "/models/atelier", "/models/atelier/starter/x"])(
    "answers %s with 404 and the envelope",
    async (url) => {
      const response = await server.app.inject(url);
      expect(response.statusCode).toBe(404);
      expect(response.json()).toMatchObject({ result: false, errors: [{ code: 0, message: "Error parsing url." }] });
    },
  );
});

describe("llms.txt", () => {
  it.each([`${path}/llms.txt`, `${path}/llms-full.txt`, "/tools/ArsMachina/Baroque-Space-Opera-v1/llms-full.txt"])(
    "%s is the seed page with this server's addresses",
    async (url) => {
      const { statusCode, headers, body } = await server.app.inject(url);
      expect(statusCode).toBe(200);
      expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
      const expected = seedPage
        .replaceAll("https://api.wiro.ai/", `${publicUrl}/`)
        .replaceAll("https://cdn.wiro.ai/", `${publicUrl}/`)
        .replaceAll("https://cdn1.wiro.ai/", `${publicUrl}/outputs/`);
      expect(body.replaceAll(/\s+/g, " ").trim()).toBe(expected.replaceAll(/\s+/g, " ").trim());
    },
  );

  it("of the server lists every model with the address of its text", async () => {
    const { headers, body } = await server.app.inject("/llms.txt");
    expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(body).toMatch(/^# Atelier\n\n> /);
    expect(body).toContain(`- [Baroque Space Opera v1](${publicUrl}${path}/llms-full.txt): Baroque Space Opera v1\n`);
    expect(body).toContain(`](${publicUrl}/models/atelier/starter/llms-full.txt): `);
    expect(siteText([], publicUrl)).toContain("## Models\n\n\n");
  });
});
