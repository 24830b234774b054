// The demo beside another server, and when its database is lost; with the deterministic test engine.

import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, it } from "vitest";

import { postmasterOf, processesOf, ServerProcess } from "./server-process.ts";

let dataDir: string;
const launched: ServerProcess[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "atelier-demo-"));
  await mkdir(join(dataDir, "models"));
  const fake = JSON.parse(await readFile(join(import.meta.dirname, "../crash/fake-model.json"), "utf8")) as object;
  // A user's own manifest comes before the shipped one of the same name.
  const manifest = { ...fake, owner: "ArsMachina", slug: "Baroque-Space-Opera-v1", examples: [{ prompt: "a pixel" }] };
  await writeFile(join(dataDir, "models/demo.json"), JSON.stringify(manifest));
});

afterEach(async () => {
  for (const one of launched.splice(0)) {
    one.kill("SIGKILL");
    await one.exit();
  }
  for (const pid of await processesOf(dataDir)) process.kill(pid, "SIGKILL");
  await rm(dataDir, { recursive: true, force: true });
});

function launch(command?: readonly string[]): ServerProcess {
  const one = new ServerProcess({ dataDir, env: { ATELIER_FAKE_ENGINE: "1" }, ...(command ? { command } : {}) });
  launched.push(one);
  return one;
}

const demo = (...words: string[]): string[] => [process.execPath, "scripts/demo.mjs", "--data", dataDir, ...words];

it("the demo waits for a server that is still starting on its folder, and uses it", async () => {
  const server = launch();
  await server.line(/postgres\.started/);
  const one = launch(demo("--once"));
  expect(await one.exit()).toBe(0);
  const url = await server.ready();
  expect(one.stdout.join("\n")).toContain(`Using the server that runs at ${url}.`);
  expect(one.stdout.join("\n")).toContain(`${url}/models/arsmachina/baroque-space-opera-v1`);
  server.kill("SIGTERM");
  expect(await server.exit()).toBe(0);
});

it("the demo ends with 1 when its database is lost", async () => {
  const one = launch(demo());
  await one.line(/until you press Ctrl-C/);
  const postmaster = await postmasterOf(dataDir);
  await rename(join(dataDir, "postgres"), join(dataDir, "elsewhere"));
  process.kill(postmaster, "SIGKILL");
  expect(await one.exit()).toBe(1);
  expect(one.stderr.join("\n")).toContain("app.database_lost");
});

it("the demo says that it stops when Ctrl-C is pressed, and ends with 0", async () => {
  const one = launch(demo());
  await one.line(/until you press Ctrl-C/);
  one.killGroup("SIGINT");
  await one.line(/^Stopping \.\.\.$/);
  expect(await one.exit()).toBe(0);
});
