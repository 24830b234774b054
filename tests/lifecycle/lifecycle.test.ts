// The server's life with real processes and real signals: nothing is lost, nothing stays behind.

import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { beginServerLife, knowsKey } from "./server-life.ts";
import type { ServerLife } from "./server-life.ts";
import { startCommand } from "./server-process.ts";

let life: ServerLife;

beforeEach(async () => {
  life = await beginServerLife();
});

afterEach(() => life.end());

describe("a server that is told to stop", () => {
  it("exits with 0 after SIGTERM, has printed one line, and leaves no process, lock or socket", async () => {
    const server = life.launch();
    await server.ready();
    const { socketDir } = JSON.parse(await readFile(join(life.dataDir, "server.json"), "utf8")) as { socketDir: string };
    expect(existsSync(socketDir)).toBe(true);
    server.kill("SIGTERM");
    expect(await server.exit()).toBe(0);
    expect(server.stdout).toEqual([expect.stringMatching(/^ready http:\/\/127\.0\.0\.1:\d+$/)]);
    expect(existsSync(socketDir)).toBe(false);
    await life.expectNothingLeft();
  });

  it("exits with 0 after Ctrl-C under npm, which reaches npm and the server, twice", async () => {
    const server = life.launch({ command: ["npm", "start", "--", "--port", "0", "--data", life.dataDir] });
    await server.ready();
    server.killGroup("SIGINT");
    server.killGroup("SIGINT");
    expect(await server.exit()).toBe(0);
    await life.expectNothingLeft();
  });

  it("exits with 0 after SIGTERM to npm alone", async () => {
    const server = life.launch({ command: ["npm", "start", "--", "--port", "0", "--data", life.dataDir] });
    await server.ready();
    server.kill("SIGTERM");
    expect(await server.exit()).toBe(0);
    await life.expectNothingLeft();
  });

  it("ends cleanly when the signal comes while it starts", async () => {
    const server = life.launch();
    await server.line(/postgres\.started/);
    server.kill("SIGINT");
    expect(await server.exit()).toBe(0);
    expect(server.stdout).toEqual([]);
    await life.expectNothingLeft();
  });
});

describe("a server that cannot start", () => {
  it("refuses a data folder that another server uses, which goes on", async () => {
    const first = life.launch();
    const url = await first.ready();
    const second = life.launch();
    expect(await second.exit()).toBe(1);
    expect(second.stderr.join("\n")).toContain(`is in use by another server (process ${first.pid})`);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it("refuses a data folder of a newer version and leaves it as it is", async () => {
    await writeFile(join(life.dataDir, "version"), "99\n");
    const server = life.launch();
    expect(await server.exit()).toBe(1);
    expect(server.stderr.join("\n")).toContain("has version 99");
    expect(await readdir(life.dataDir)).toEqual(["version"]);
  });

  it("says what to do when the port is in use, and leaves no process", async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    // A listening TCP server has an address with a port.
    const port = String((holder.address() as AddressInfo).port);
    const command = startCommand(life.dataDir).map((word) => (word === "0" ? port : word));
    const server = life.launch({ command });
    expect(await server.exit()).toBe(1);
    holder.close();
    expect(server.stderr.join("\n")).toMatch(/is used by another program\.[\s\S]*--port/);
    await life.expectNothingLeft();
  });
});

describe("atelier project create", () => {
  it("works without a server and with one, also at the same time, and every key is known", async () => {
    const [one, two] = await Promise.all([life.createProject(), life.createProject()]);
    const server = life.launch();
    const url = await server.ready();
    const three = await life.createProject();
    for (const project of [one, two, three]) {
      expect(Object.keys(project)).toEqual(["projectid", "name", "apikey", "apisecret"]);
      expect(await knowsKey(url, project["apikey"] ?? "")).toBe(true);
    }
    server.kill("SIGTERM");
    expect(await server.exit()).toBe(0);
    await life.expectNothingLeft();
  });

  it("leaves no secret in plain text in the data folder", async () => {
    const project = await life.createProject("stored in plain text");
    const names = await readdir(life.dataDir, { recursive: true, withFileTypes: true });
    const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const holding = async (text: string): Promise<string[]> => {
      const found = await Promise.all(files.map(async (file) => (await readFile(file)).includes(text)));
      return files.filter((_file, index) => found[index]);
    };
    expect(await holding(project["apisecret"] ?? "?")).toEqual([]);
    expect(await holding(project["apikey"] ?? "?")).toEqual([]);
    // The search works: the name is no secret and is stored as it is.
    expect((await holding(project["name"] ?? "?")).length).toBeGreaterThan(0);
  });
});
