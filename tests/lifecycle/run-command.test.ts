// atelier run and the demo's parts against a real server with the deterministic test engine.

import { copyFile, mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { atelier, ServerProcess } from "./server-process.ts";

describe("atelier run", () => {
  let dataDir: string;
  let server: ServerProcess;
  const run = (words: readonly string[]) =>
    atelier(["run", "test/fake", ...words, "--data", dataDir, "--output", join(dataDir, "pictures")]);

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "atelier-run-"));
    await mkdir(join(dataDir, "models"));
    await copyFile(join(import.meta.dirname, "../crash/fake-model.json"), join(dataDir, "models/fake.json"));
    server = new ServerProcess({ dataDir, env: { ATELIER_FAKE_ENGINE: "1" } });
    await server.ready();
  });

  afterAll(async () => {
    server.kill("SIGTERM");
    await server.exit();
    await rm(dataDir, { recursive: true, force: true });
  });

  it("makes a project of its own, saves the pictures and prints their paths and its progress", async () => {
    const { code, stdout, stderr } = await run(["prompt=a moon = round", "steps=4", "samples=2"]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const paths = stdout.trim().split("\n");
    expect(paths).toHaveLength(2);
    for (const path of paths) expect((await readFile(path)).subarray(1, 4).toString()).toBe("PNG");
    expect(stderr).toMatch(/done/);
    expect((await stat(join(dataDir, "credentials.json"))).mode & 0o777).toBe(0o600);
  });

  it("tells why a task failed and exits with 1", async () => {
    const { code, stdout, stderr } = await run(["prompt=please fail"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("asked to fail");
  });

  it("tells what the server refused, in the server's words", async () => {
    const unknown = await atelier(["run", "test/unknown", "prompt=a", "--data", dataDir]);
    expect(unknown).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("slug-owner-project-not-exist") });
    const range = await run(["prompt=a", "steps=100000"]);
    expect(range).toMatchObject({ code: 1, stderr: expect.stringContaining("[steps]") });
  });

  it("refuses an input that the model does not have, and names those that it has, instead of drawing the default", async () => {
    const { code, stdout, stderr } = await run(["promt=a moon"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/test\/fake has no input "promt"[\s\S]*It takes prompt, samples, steps,/);
  });

  it("refuses a second value for an input that takes one", async () => {
    const { code, stdout, stderr } = await run(["prompt=a", "steps=2", "prompt=b"]);
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: "", stderr: expect.stringMatching(/^error: prompt was given twice\./) });
  });

  it("warns of a text that looks like a file, and draws it; a prompt may begin with @", async () => {
    const file = await run(["prompt=@/nowhere/prompt", "steps=1"]);
    expect(file).toMatchObject({ code: 0, stderr: expect.stringMatching(/^warning: prompt takes no file: "@\/nowhere\/prompt" is sent as it stands$/m) });
    const text = await run(["prompt=@home in a park/garden", "steps=1"]);
    expect(text).toMatchObject({ code: 0, stderr: expect.not.stringContaining("warning") });
  });

  it("uploads the files that @ names, several of one input as a list, and tells of one that is not there", async () => {
    const pictures = join(dataDir, "pictures");
    const photo = `@${join(import.meta.dirname, "../mcp/picture.png")}`;
    const sheet = ["run", "atelier/contact-sheet", `pictures=${photo}`, `pictures=${photo}`, "columns=2", "--data", dataDir, "--output", pictures];
    const { code, stdout, stderr } = await atelier(sheet);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect((await readFile(stdout.trim())).subarray(1, 4).toString()).toBe("PNG");
    const missing = await atelier(["run", "atelier/enlarge", "image=@nowhere.png", "--data", dataDir]);
    expect(missing).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/nowhere\.png cannot be read/) });
  });

  it("stops the task when it is interrupted, and exits with 130", async () => {
    const command = [process.execPath, "bin/atelier.mjs", "run", "test/fake", "prompt=slow stepMs=60000", "--data", dataDir];
    const running = new ServerProcess({ dataDir, command });
    await running.line(/^drawing/);
    running.kill("SIGINT");
    expect(await running.exit()).toBe(130);
    expect(running.stderr.filter((line) => line.includes("stopped"))).toEqual([expect.stringMatching(/^stopped: task \d+$/)]);
  });

  it("works with credentials and an address from the environment alone", async () => {
    const created = await atelier(["project", "create", "elsewhere", "--auth", "key", "--data", dataDir, "--json"]);
    const again = await atelier(["project", "create", "elsewhere", "--data", dataDir]);
    expect(again).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/already a project "elsewhere" \(id \d+\)[\s\S]*key create "elsewhere"/) });
    const { apikey, apisecret } = JSON.parse(created.stdout) as { apikey: string; apisecret: null };
    expect(apisecret).toBeNull();
    const env = { ATELIER_URL: await server.ready(), ATELIER_API_KEY: apikey };
    const { code, stdout } = await atelier(["run", "test/fake", "prompt=a", "--output", dataDir, "--json"], env);
    expect({ code, outcome: JSON.parse(stdout) as unknown }).toMatchObject({ code: 0, outcome: { pexit: "0" } });
  });

  it("says what to do when no server runs", async () => {
    const { code, stderr } = await atelier(["run", "test/fake", "prompt=a", "--data", join(dataDir, "nothing")]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/No server runs on the data folder[\s\S]*npm start/);
  });
});

it("a server that closes each connection at once is told of, and is not silence", async () => {
  const closing = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => closing.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an address with a port.
  const { port } = closing.address() as AddressInfo;
  const env = { ATELIER_URL: `http://127.0.0.1:${port}`, ATELIER_API_KEY: "key" };
  const ended = await atelier(["run", "test/fake", "prompt=a"], env);
  closing.close();
  expect(ended).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(`No server answers at http://127.0.0.1:${port}`) });
});

it("the command line tells its version and refuses a wrong option with what is wrong", async () => {
  expect((await atelier(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const { code, stderr } = await atelier(["serve", "--port", "eighty"]);
  expect(code).toBe(1);
  expect(stderr).toContain("--port must be a whole number from 0 to 65535");
});
