import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { LightMyRequestResponse } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { limits } from "../../limits.ts";
import { loadModels } from "../../models/registry.ts";
import { publicUrl, signedHeaders, startTestServer } from "../test-server.ts";
import type { TestServer } from "../test-server.ts";

interface Tool {
  [field: string]: unknown;
  id: string;
  cleanslugowner: string;
  cleanslugproject: string;
  image: string;
  dynamicprice: string;
  taskstat: Record<string, unknown>;
  parameters: { title: string; items: Record<string, unknown>[] }[];
}

interface Answer {
  total: number;
  tool: Tool[];
  explore: { id: string; title: string; total: number; tools: Tool[] }[];
}

const toolUrls = ["/v1/Tool/List", "/v1/Tool/Detail", "/v1/Tool/Explore"] as const;
const seedModel = { slugowner: "arsmachina", slugproject: "baroque-space-opera-v1" };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const ask = (url: string, body: object | string, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> =>
  server.app.inject({ method: "POST", url, headers, payload: typeof body === "string" ? body : JSON.stringify(body) });

async function tools(body: object): Promise<Answer> {
  return (await ask("/v1/Tool/List", body)).json<Answer>();
}

const failure = (code: number, message: string) => ({ result: false, errors: [{ code, message, time: expect.any(Number) }] });

describe.each(toolUrls)("POST %s", (url) => {
  it("answers anybody, from any origin", async () => {
    const response = await ask(url, seedModel, { origin: "https://elsewhere.example" });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({ result: true, errors: [] });
    expect(response.headers["access-control-allow-origin"]).toBe("*");
  });

  it("answers whoever gives a right key", async () => {
    for (const project of [server.mine, server.keyOnly]) {
      expect((await server.post(url, seedModel, project)).json()).toMatchObject({ result: true });
    }
    expect((await ask(url, seedModel, { "x-api-key": " " })).json()).toMatchObject({ result: true });
  });

  it("refuses a wrong key or signature, so that the mistake shows in the first call", async () => {
    const unknown = await ask(url, seedModel, { "x-api-key": "no-such-key" });
    expect(unknown.statusCode).toBe(401);
    expect(unknown.json()).toEqual(failure(0, "Project authorization is not founded."));
    const forged = await ask(url, seedModel, { ...signedHeaders(server.mine), "x-signature": "0".repeat(64) });
    expect(forged.statusCode).toBe(401);
  });

  it("reads a small body from strangers and a large one from whoever gives a key", async () => {
    const padded = JSON.stringify(seedModel).padEnd(limits.openBodyBytes + 1);
    expect((await ask(url, padded)).json()).toEqual(failure(0, "Request parameters are invalid."));
    expect((await ask(url, padded, signedHeaders(server.mine))).json()).toMatchObject({ result: true });
  });

  it("takes its fields in every encoding", async () => {
    const form = new URLSearchParams(seedModel).toString();
    const encodings: [string, string][] = [
      [JSON.stringify(seedModel), "multipart/form-data"],
      [JSON.stringify(seedModel), "application/x-www-form-urlencoded"],
      [form, "application/x-www-form-urlencoded"],
    ];
    for (const [body, type] of encodings) {
      expect((await ask(url, body, { "content-type": type })).json()).toMatchObject({ result: true });
    }
  });
});

describe("POST /v1/Tool/List", () => {
  it("answers what the official clients send, in the types that they read", async () => {
    const answer = await tools({
      start: "0", limit: "20", search: "", categories: [], tags: [], sort: "relevance", hideworkflows: true, summary: true,
    });
    expect(answer).toMatchObject({ result: true, errors: [], total: 8 });
    expect(answer.tool.map((tool) => tool.id)).toEqual(["8", "7", "6", "5", "4", "3", "2", "1"]);
    for (const tool of answer.tool) {
      expect(tool.image).toMatch(new RegExp(`^${publicUrl}/uploads/models/[A-Za-z0-9.-]+-cover\\.jpeg$`));
      expect(Array.isArray(tool["categories"])).toBe(true);
      const [price] = JSON.parse(tool.dynamicprice) as { price: number; priceMethod: string; inputs: object }[];
      expect(price).toEqual({ inputs: {}, price: Number(tool["cps"]), priceMethod: "cps" });
      expect(`${tool.cleanslugowner}/${tool.cleanslugproject}`).toMatch(/^[a-z0-9][a-z0-9._-]*\/[a-z0-9][a-z0-9._-]*$/);
      expect(tool).not.toHaveProperty("parameters");
    }
  });

  it("finds by words, best first", async () => {
    const found = await tools({ search: "a baroque space opera portrait of a woman in a white dress", sort: "relevance", limit: "10" });
    expect(found.tool[0]?.id).toBe("1");
    expect((await tools({ search: "xylophone" })).tool).toEqual([]);
    expect(await tools({ search: "starter", slugowner: "Atelier" })).toMatchObject({ total: 1, tool: [{ id: "2" }] });
  });

  it("ends its pages with an empty one", async () => {
    expect((await tools({ start: "0", limit: "1", order: "ASC" })).tool.map((tool) => tool.id)).toEqual(["1"]);
    expect((await tools({ start: "1", limit: "1", order: "ASC" })).tool.map((tool) => tool.id)).toEqual(["2"]);
    expect(await tools({ start: "8", limit: "1" })).toMatchObject({ total: 8, tool: [] });
  });
});

it("a model without a cover has a plain picture at an absolute address, for official clients refuse a list with an address that is none", async () => {
  const folder = await mkdtemp(join(tmpdir(), "atelier-models-"));
  const shipped = join(import.meta.dirname, "../../../../../models");
  const sample = JSON.parse(await readFile(join(shipped, "starter.json"), "utf8")) as object;
  await writeFile(join(folder, "mine.json"), JSON.stringify({ ...sample, id: "100000", owner: "my", slug: "Plain", aliases: [], cover: "" }));
  const bare = await startTestServer({ models: await loadModels([folder, shipped]) });
  const post = (url: string, body: object) => bare.app.inject({ method: "POST", url, payload: body }).then((response) => response.json<Answer>());
  const image = `${publicUrl}/uploads/models/my-Plain-cover.png`;
  const named = { slugowner: "my", slugproject: "plain" };
  expect((await post("/v1/Tool/List", { slugowner: "my" })).tool).toMatchObject([{ image }]);
  expect((await post("/v1/Tool/Detail", named)).tool).toMatchObject([{ image, samples: [image] }]);
  expect((await post("/v1/Tool/Explore", {})).explore.flatMap(({ tools: cards }) => cards.map((card) => card.image))).toContain(image);
  const picture = await bare.app.inject(new URL(image).pathname);
  expect([picture.statusCode, picture.headers["content-type"], picture.rawPayload.subarray(1, 4).toString()]).toEqual([200, "image/png", "PNG"]);
  // The line is left out of a page that follows the seed's.
  expect((await bare.app.inject("/models/my/plain/llms-full.txt")).body).not.toContain("Model cover");
  await bare.stop();
  await rm(folder, { recursive: true });
});

describe("POST /v1/Tool/Detail", () => {
  it("shows one model with its parameters, examples and readme", async () => {
    const answer = (await ask("/v1/Tool/Detail", { ...seedModel, summary: true })).json<Answer>();
    expect(answer.tool).toHaveLength(1);
    const [tool] = answer.tool;
    expect(tool).toMatchObject({
      id: "1", cleanslugowner: "arsmachina", cleanslugproject: "baroque-space-opera-v1",
      slugowner: "ArsMachina", slugproject: "Baroque-Space-Opera-v1",
      samples: [`${publicUrl}/uploads/models/ArsMachina-Baroque-Space-Opera-v1-cover.jpeg`],
      inspire: expect.arrayContaining([{ steps: "30", scale: "7.5", prompt: "Sci-Fi Baroque Couture Pulp, Portrait" }]),
      readme: expect.stringMatching(/^<p>Baroque Space Opera v1<\/p>/),
    });
    const items = tool?.parameters.flatMap((group) => group.items) ?? [];
    expect(items.map((item) => item["id"])).toEqual(["prompt", "samples", "steps", "scale", "seed", "width", "height"]);
    expect(items[2]).toEqual({
      id: "steps", type: "number", label: "inferencesteps", note: "inferencesteps-help", required: false, default: "30",
      description: "More steps cost more time and refine the picture.", min: 1, max: 150, step: 1,
    });
    // A seed is text: a client that checks ranges must let an empty one pass.
    expect(items[4]).not.toHaveProperty("max");
  });

  it("finds a model by every spelling of its slugs", async () => {
    const body = { slugowner: " ArsMachina", slugproject: "Baroque Space Opera V1" };
    expect((await ask("/v1/Tool/Detail", body)).json()).toMatchObject({ tool: [{ id: "1" }] });
  });

  it.each([
    [{ slugowner: "a", slugproject: "b" }, failure(1, "slug-owner-project-not-exist")],
    [{ slugowner: "a" }, failure(0, "Request parameter [slugproject] required")],
    [{}, failure(0, "Request parameter [slugowner] required")],
    [{ slugowner: {}, slugproject: [] }, failure(0, "Request parameter [slugowner] required")],
  ])("refuses %j with HTTP 200", async (body, expected) => {
    const response = await ask("/v1/Tool/Detail", body);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual(expected);
  });
});

describe("POST /v1/Tool/Explore", () => {
  it("groups the models, each with the fields of a card", async () => {
    const { explore } = (await ask("/v1/Tool/Explore", {})).json<Answer>();
    expect(explore.map(({ id, total, tools: shown }) => [id, total, shown.map((tool) => tool.id)])).toEqual([
      ["newest", 8, ["8", "7", "6", "5", "4", "3", "2", "1"]],
      ["image-to-image", 2, ["4", "3"]],
      ["text-to-image", 6, ["8", "7", "6", "5", "2", "1"]],
    ]);
    expect(explore[0]?.tools[7]).toEqual({
      id: "1", cleanslugowner: "arsmachina", cleanslugproject: "baroque-space-opera-v1",
      description: "Baroque Space Opera v1",
      image: `${publicUrl}/uploads/models/ArsMachina-Baroque-Space-Opera-v1-cover.jpeg`,
      categories: ["model", "text-to-image", "checkpoint-file", "lora-flux", "bf16", "persistent"],
      averagepoint: "0", commentcount: "0", ratedusercount: "0",
    });
  });
});

describe("the statistics", () => {
  it("count the tasks of all projects, by how they ended, and take the mean of the good ones", async () => {
    const own = await startTestServer();
    const newTask = async (as = own.mine, model = "atelier/starter"): Promise<string> =>
      (await own.post(`/v1/Run/${model}`, { prompt: "moon" }, as)).json<{ taskid: string }>().taskid;
    const end = async (id: string, status: string, pexit: string | null, seconds: number): Promise<void> => {
      await own.db.query(`update tasks set status = $2, pexit = $3, elapsed_seconds = $4 where id = $1`, [id, status, pexit, seconds]);
    };
    await end(await newTask(), "task_postprocess_end", "0", 4);
    await end(await newTask(own.other), "task_postprocess_end", "0", 9);
    await end(await newTask(), "task_postprocess_end", "1", 100);
    await end(await newTask(), "task_cancel", "137", 100);
    await end(await newTask(), "task_cancel", null, 0);
    await end(await newTask(), "task_start", null, 0);
    const last = await newTask(own.keyOnly);
    await own.db.query(`update tasks set created_at = to_timestamp(2000000000) where id = $1`, [last]);
    await newTask(own.mine, "arsmachina/baroque-space-opera-v1");

    const list = await own.app.inject({ method: "POST", url: "/v1/Tool/List", payload: "{}" });
    const [starter, opera] = list.json<Answer>().tool.filter((tool) => ["2", "1"].includes(tool.id));
    expect(starter).toMatchObject({
      taskstat: { runcount: 7, successcount: "2", errorcount: "1", lastruntime: "2000000000" },
      computingtime: "7 seconds",
      approximatelycost: "0.003802500000",
    });
    expect(opera).toMatchObject({
      taskstat: { runcount: 1, successcount: "0", errorcount: "0" },
      computingtime: "", approximatelycost: "",
    });
    const explore = (await own.app.inject({ method: "POST", url: "/v1/Tool/Explore", payload: "{}" })).json<Answer>().explore;
    expect(explore[0]).toMatchObject({ id: "most-run", tools: [{ id: "2" }, { id: "1" }] });
    await own.stop();
  });
});
