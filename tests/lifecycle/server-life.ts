// What the tests of a server's life share: a data folder of their own, the servers launched on it, and what is left at the end.

import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "vitest";

import { atelier, processesOf, ServerProcess } from "./server-process.ts";
import type { LaunchOptions } from "./server-process.ts";

export interface ServerLife {
  readonly dataDir: string;
  launch(options?: Partial<LaunchOptions>): ServerProcess;
  createProject(name?: string): Promise<Record<string, string>>;
  /** No process, lock or half-written file. */
  expectNothingLeft(): Promise<void>;
  /** Kills what still runs and removes the folder. */
  end(): Promise<void>;
}

export async function beginServerLife(): Promise<ServerLife> {
  const dataDir = await mkdtemp(join(tmpdir(), "atelier-life-"));
  const launched: ServerProcess[] = [];
  return {
    dataDir,
    launch(options = {}) {
      const server = new ServerProcess({ dataDir, ...options });
      launched.push(server);
      return server;
    },
    async createProject(name = `life ${randomUUID()}`) {
      const { stdout } = await atelier(["project", "create", name, "--data", dataDir, "--json"]);
      return JSON.parse(stdout) as Record<string, string>;
    },
    async expectNothingLeft() {
      expect(await processesOf(dataDir)).toEqual([]);
      const files = await readdir(dataDir);
      expect(files.filter((name) => /^server\.|creating|partial/.test(name))).toEqual([]);
    },
    async end() {
      for (const server of launched) {
        server.kill("SIGKILL");
        await server.exit();
      }
      for (const pid of await processesOf(dataDir)) process.kill(pid, "SIGKILL");
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** True when the server's database knows the key: an unknown one is answered with 401. */
export async function knowsKey(url: string, apiKey: string): Promise<boolean> {
  const response = await fetch(`${url}/v1/Task/Detail`, { method: "POST", headers: { "x-api-key": apiKey }, body: "{}" });
  const text = await response.text();
  return text.includes("requires signature authentication");
}
