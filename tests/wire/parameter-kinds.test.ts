// Every kind of parameter through the whole door: declared in a manifest, shown by the catalogue, the pages and the tools for
// assistants, and taken in each encoding of a run.

import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { formBody, formType } from "../../packages/server/src/http/test-form.ts";
import { publicUrl, signedHeaders, startTestServer } from "../../packages/server/src/http/test-server.ts";
import type { TestServer } from "../../packages/server/src/http/test-server.ts";
import { loadModels } from "../../packages/server/src/models/registry.ts";

const choice = (value: string) => ({ label: value, value });
const items = [
  { id: "era", type: "selectwithcover", label: "era", default: "rococo", options: [{ ...choice("rococo"), cover: "samples/rococo.jpg" }, { ...choice("gothic"), cover: "samples/rococo.jpg" }] },
  { id: "panels", type: "integer", label: "panels", default: "3", min: 1, max: 12 },
  { id: "grain", type: "numeric", label: "grain", default: "0.5", min: 0.25, max: 1 },
  { id: "motifs", type: "multiselect", label: "motifs", default: "shell", max: 2, options: ["shell", "ribbon", "cherub"].map(choice) },
  { id: "ground", type: "color", label: "ground", default: "#ffffff" },
  { id: "gilded", type: "checkbox", label: "gilded", default: "false" },
];
const manifest = {
  id: "77", owner: "test", slug: "Kinds", title: "Kinds", description: "One parameter of each kind", cover: "", categories: ["model"],
  cps: "0.000000000000", parameters: [{ title: "All", items }], variants: [{ name: "v", engine: "fake", base: "" }],
};
const sent = { era: "gothic", panels: "4", grain: "0.75", motifs: ["ribbon", "cherub"], ground: "#A0B", gilded: "on" };
const understood = { era: "gothic", panels: 4, grain: 0.75, motifs: ["ribbon", "cherub"], ground: "#aa00bb", gilded: true };

let folder: string;
let server: TestServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-kinds-"));
  await mkdir(join(folder, "samples"));
  await copyFile(join(import.meta.dirname, "../../models/samples/gilded-tower.jpg"), join(folder, "samples/rococo.jpg"));
  await writeFile(join(folder, "kinds.json"), JSON.stringify(manifest));
  server = await startTestServer({ models: await loadModels([folder]) });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function run(body: { payload: string | Buffer; headers?: Record<string, string> }) {
  const headers = { ...signedHeaders(server.mine), ...body.headers };
  const answer = (await server.app.inject({ method: "POST", url: "/v1/Run/test/kinds", headers, payload: body.payload })).json();
  if (answer.result !== true) return answer;
  const { rows } = await server.db.query<{ input: object; parameters: object }>("select input, parameters from tasks where id = $1", [answer.taskid]);
  return rows[0];
}

describe("a run with a parameter of every kind", () => {
  const pairs = Object.entries(sent).flatMap(([key, value]) => [value].flat().map((one): [string, string] => [key, one]));

  it.each([
    ["JSON", () => ({ payload: JSON.stringify(sent) })],
    ["a form with repeated keys", () => ({ payload: String(new URLSearchParams(pairs)), headers: { "content-type": "application/x-www-form-urlencoded" } })],
    ["multipart with repeated keys", () => ({ payload: formBody(pairs), headers: { "content-type": formType } })],
    ["several choices in one text", () => ({ payload: JSON.stringify({ ...sent, motifs: "ribbon, cherub" }) })],
    ["several choices as JSON in text", () => ({ payload: JSON.stringify({ ...sent, motifs: '["ribbon","cherub"]' }) })],
  ])("%s is understood the same", async (_name, body) => {
    expect(await run(body())).toMatchObject({ input: understood, parameters: { panels: "4", ground: "#A0B" } });
  });

  it("untouched form fields take the defaults", async () => {
    const untouched = { era: "", panels: 0, grain: 0, motifs: [], ground: "", gilded: "" };
    expect(await run({ payload: JSON.stringify(untouched) })).toMatchObject({
      input: { era: "rococo", panels: 3, grain: 0.5, motifs: ["shell"], ground: "#ffffff", gilded: false },
    });
  });

  it.each([
    [{ panels: 13 }, "Request parameter [panels] must be between 1 and 12"],
    [{ panels: "many" }, "Request parameter [panels] must be integer or float"],
    [{ grain: "0.1" }, "Request parameter [grain] must be between 0.25 and 1"],
    [{ motifs: ["shell", "ribbon", "cherub"] }, "Request parameter [motifs] must be between 1 and 2"],
    [{ motifs: ["skull"] }, "Request parameters are invalid."],
    [{ era: "baroque" }, "Request parameters are invalid."],
    [{ ground: "white" }, "Request parameters are invalid."],
  ])("refuses %j with the wire's text", async (body, message) => {
    expect(await run({ payload: JSON.stringify(body) })).toMatchObject({ result: false, errors: [{ code: 0, message }] });
  });
});

describe("what is shown of every kind", () => {
  it("the catalogue has types, ranges and options, and covers at absolute addresses that answer", async () => {
    const [tool] = (await server.post("/v1/Tool/Detail", { slugowner: "test", slugproject: "kinds" })).json().tool;
    const shown = tool.parameters[0].items;
    expect(shown.map(({ type }: { type: string }) => type)).toEqual(items.map(({ type }) => type));
    expect(shown[1]).toMatchObject({ min: 1, max: 12 });
    expect(shown[3]).toMatchObject({ max: 2, options: [{ value: "shell" }, { value: "ribbon" }, { value: "cherub" }] });
    const { cover } = shown[0].options[0];
    expect(cover).toBe(`${publicUrl}/uploads/samples/rococo.jpg`);
    expect((await server.app.inject(cover.replace(publicUrl, ""))).headers["content-type"]).toBe("image/jpeg");
  });

  it("the page says them in words and shows the covers; the text lists the options", async () => {
    const { body } = await server.app.inject("/models/test/kinds");
    for (const words of ["some of the options", "a colour as #rrggbb", 'src="/uploads/samples/rococo.jpg"', "whole number", "0.25 to 1"]) {
      expect(body).toContain(words);
    }
    const text = (await server.app.inject("/models/test/kinds/llms.txt")).body;
    expect(text).toContain("type: multiselect");
    expect(text).toContain('- value: "cherub"');
  });

  it("an assistant reads the same from get_model_schema", async () => {
    const payload = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "get_model_schema", arguments: { model: "test/kinds" } } };
    const headers = { authorization: `Bearer ${server.mine.apikey}:${server.mine.apisecret}`, accept: "application/json, text/event-stream" };
    const { body } = await server.app.inject({ method: "POST", url: "/mcp", headers, payload });
    const answer = JSON.parse(body.replace(/^event: message\ndata: /, "")) as { result: { structuredContent: { model: { parameters: [{ items: object[] }] } } } };
    const shown = answer.result.structuredContent.model.parameters[0].items;
    expect(shown).toMatchObject(items.map(({ id, type }) => ({ id, type })));
    expect(shown[0]).toMatchObject({ options: [{ value: "rococo", cover: `${publicUrl}/uploads/samples/rococo.jpg` }, { value: "gothic" }] });
  });
});
