// Each part of a real server is killed while a real FLUX-format model draws: the task still ends, once, with the same bytes.

import { execFileSync } from "node:child_process";
import { cp, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { brokenPromises } from "../simulation/invariants.ts";
import { CrashServer } from "./crash-server.ts";
import type { Envelope, Part } from "./crash-server.ts";

const root = join(import.meta.dirname, "../..");
const input = { prompt: "a red planet with rings", steps: 150, seed: "41", width: 256, height: 256 };
const deadlineMs = 60_000;

let server: CrashServer;
let undisturbed: Buffer;

beforeAll(async () => {
  server = await CrashServer.create();
  await addRandomModel(server);
  await server.start();
  undisturbed = await pictureOf(await end(await submit(input)));
});

afterAll(async () => server.remove());

for (const part of ["engine", "postgres", "server"] as const) {
  test(`a kill -9 of the ${part} while a task draws changes nothing about its picture`, async () => {
    const taskid = await submit(input);
    await until(taskid, (task) => task["status"] === "task_output");
    expect(await killPart(part)).toBe(true);
    const task = await end(taskid);
    expect(task["pexit"]).toBe("0");
    expect((task["outputs"] as unknown[]).length).toBe(1);
    expect((await pictureOf(task)).equals(undisturbed)).toBe(true);
    const db = await server.openDatabase();
    expect(await brokenPromises(db, [taskid])).toEqual([]);
    const { rows } = await db.query<{ attempt: number }>("select attempt from tasks where id = $1", [taskid]);
    // A worker outlives its database and ends the attempt that it had begun; the others begin again.
    expect(rows[0]?.attempt).toBe(part === "postgres" ? 1 : 2);
    await db.close();
  });
}

test("another seed and another prompt each give another picture", async () => {
  for (const change of [{ seed: "42" }, { prompt: "three moons" }]) {
    const picture = await pictureOf(await end(await submit({ ...input, ...change })));
    expect(picture.equals(undisturbed)).toBe(false);
  }
});

async function killPart(part: Part): Promise<boolean> {
  const killed = await server.signal(part, "SIGKILL");
  if (part === "server") await server.start();
  return killed;
}

async function submit(body: object): Promise<string> {
  const answer = await server.call("/Run/test/random", body);
  expect(answer).toMatchObject({ result: true, errors: [] });
  return String(answer["taskid"]);
}

async function end(taskid: string): Promise<Record<string, unknown>> {
  return until(taskid, (task) => task["status"] === "task_postprocess_end");
}

/** Polls Detail as clients do; the server may be away for a moment. */
async function until(
  taskid: string,
  condition: (task: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const answer = await server.call("/Task/Detail", { taskid }).catch((): Envelope => ({ result: false }));
    // Detail's answer holds exactly one task (docs/wire-contract.md).
    const task = (answer["tasklist"] as Record<string, unknown>[] | undefined)?.[0];
    if (task && condition(task)) return task;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(task?.["status"])}: ${server.log.slice(-5).join("\n")}`);
  }
}

async function pictureOf(task: Record<string, unknown>): Promise<Buffer> {
  const [output] = task["outputs"] as { url: string }[];
  // The server may have moved to another port since.
  const response = await fetch(server.urlOf(new URL(output?.url ?? "").pathname));
  expect(response.headers.get("content-type")).toBe("image/png");
  return Buffer.from(await response.arrayBuffer());
}

/** A small model of random weights in the user's own models folder, as `test/random`. */
async function addRandomModel(target: CrashServer): Promise<void> {
  const folder = join(target.folder, "tmp-model");
  execFileSync(process.execPath, [join(root, "engines/flux/dist/make-random-model.js"), folder], { stdio: "ignore" });
  await mkdir(join(target.folder, "models", "random"), { recursive: true });
  await cp(join(folder, "starter"), join(target.folder, "models", "random"), { recursive: true });
  const fake: unknown = JSON.parse(await readFile(join(import.meta.dirname, "fake-model.json"), "utf8"));
  const manifest = {
    ...(fake as object),
    id: "9002",
    slug: "random",
    variants: [{ name: "random", engine: "flux", base: "random" }],
  };
  await target.addModelFile("random.json", JSON.stringify(manifest));
}
