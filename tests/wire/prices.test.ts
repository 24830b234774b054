// Prices by run and by output: what the catalogue says is what a run is charged.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { afterAll, beforeAll, expect, it } from "vitest";

import { insertTasks } from "../../packages/server/src/db/queries/new-tasks.ts";
import { fakeManifest } from "../socket/fake-manifest.ts";
import { startWorld } from "../socket/setup.ts";
import type { World } from "../socket/setup.ts";

const parameters = [
  ...fakeManifest.parameters,
  { title: "Files", items: [{ id: "pictures", type: "multifileinput", label: "pictures", max: 3 }] },
];
const prices = [
  { inputs: { pictures: "QUANTITY:2" }, price: "0.07", priceMethod: "cpr" },
  { inputs: { samples: "2" }, price: "0.03", priceMethod: "cpo" },
  { inputs: { steps: "2" }, price: "0.5", priceMethod: "cpr" },
];

let world: World;
beforeAll(async () => {
  world = await startWorld({ parameters, prices });
  await world.work(2);
});
afterAll(() => world.stop());

interface Charged {
  readonly id: string;
  readonly cps: string;
  readonly totalcost: string;
  readonly elapsedseconds: string;
  readonly pexit: string;
}

async function charged(input: object): Promise<Charged> {
  const { tasklist } = (await world.post("/v1/Run/test/fake/sync", input)) as { tasklist: [Charged] };
  const [task] = tasklist;
  const { rows } = await world.db.query<{ amount: string }>("select round(amount, 12)::text as amount from ledger where task_id = $1", [task.id]);
  expect(rows.map(({ amount }) => amount)).toEqual(task.pexit === "0" ? [task.totalcost] : []);
  return task;
}

it("the catalogue lists every price, its method and its inputs, and the price by the second last", async () => {
  const { tool } = (await world.post("/v1/Tool/Detail", { slugowner: "test", slugproject: "fake" })) as { tool: [{ dynamicprice: string; cps: string }] };
  expect(JSON.parse(tool[0].dynamicprice)).toEqual([
    { inputs: { pictures: "QUANTITY:2" }, price: 0.07, priceMethod: "cpr" },
    { inputs: { samples: "2" }, price: 0.03, priceMethod: "cpo" },
    { inputs: { steps: "2" }, price: 0.5, priceMethod: "cpr" },
    { inputs: {}, price: 0.000585, priceMethod: "cps" },
  ]);
});

it("a run is charged for each output, for itself, or by the second, as its input says", async () => {
  expect(await charged({ samples: 2, steps: 1 })).toMatchObject({ cps: "0.000000000000", totalcost: "0.060000000000" });
  expect(await charged({ steps: 2 })).toMatchObject({ cps: "0.000000000000", totalcost: "0.500000000000" });
  const bySecond = await charged({ steps: 1 });
  expect(bySecond.cps).toBe("0.000585000000");
  expect(Number(bySecond.totalcost)).toBeCloseTo(0.000585 * Number(bySecond.elapsedseconds), 12);
});

it("a run is charged by the number of its files", async () => {
  const form = new FormData();
  form.set("file", new Blob([await readFile(join(import.meta.dirname, "../mcp/picture.png"))]), "a.png");
  const upload = await fetch(`${world.server.url}/v1/File/Upload`, { method: "POST", headers: { "x-api-key": world.headers["x-api-key"] }, body: form });
  const { list } = (await upload.json()) as { list: [{ id: string }] };
  const files = (count: number): object => ({ pictures: Array<string>(count).fill(list[0].id), steps: 2 });
  expect(await charged(files(2))).toMatchObject({ cps: "0.000000000000", totalcost: "0.070000000000" });
  // No other number has that price: the next in the list is charged.
  for (const count of [1, 3]) expect(await charged(files(count))).toMatchObject({ totalcost: "0.500000000000" });
});

it("a run that fails costs nothing, whatever its price", async () => {
  expect(await charged({ prompt: "fail", steps: 2 })).toMatchObject({ pexit: "1", totalcost: "0" });
});

it("runs that share a statement keep their prices, each its own", async () => {
  const { rows } = await world.db.query<{ id: string }>("select id from projects");
  const task = { projectId: rows[0]?.id ?? "", model: "test/none", modelId: "1", parameters: {}, input: {}, callbackUrl: "", outputFolderId: "f" };
  const inserted = await insertTasks(world.db, [
    { ...task, token: "shared1", cps: "0", requestPrice: "0.5" },
    { ...task, token: "shared2", cps: "0", outputPrice: "0.03" },
    { ...task, token: "shared3", cps: "0.1" },
  ]);
  const ids = inserted.map((one) => (one.kind === "created" ? one.id : ""));
  const stored = await world.db.query("select trim_scale(cps)::text as cps, request_price::text as request, output_price::text as output from tasks where id = any($1) order by id", [ids]);
  expect(stored.rows).toEqual([
    { cps: "0", request: "0.5", output: "0" },
    { cps: "0", request: "0", output: "0.03" },
    { cps: "0.1", request: "0", output: "0" },
  ]);
});
