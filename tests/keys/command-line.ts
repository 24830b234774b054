// The command line's own entrance in this process, on a database and a data folder of its own, for the tests of one file.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, expect, vi } from "vitest";

import { main } from "../../packages/server/src/cli/atelier.ts";
import { createTestDatabase } from "../../packages/server/src/db/test-database.ts";

export interface Written {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Called at the top of a test file: opens before its tests, closes behind them. */
export function openCommandLine(): {
  atelier(...args: string[]): Promise<Written>;
  /** With --json: its one line of output, parsed. */
  json<Answer>(...args: string[]): Promise<Answer>;
} {
  let close: () => Promise<void>;
  beforeAll(async () => {
    const test = await createTestDatabase();
    const folder = await mkdtemp(join(tmpdir(), "atelier-commands-"));
    const { host, user, database } = test.address;
    vi.stubEnv("DATABASE_URL", `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`);
    vi.stubEnv("ATELIER_DATA", folder);
    close = async () => {
      vi.unstubAllEnvs();
      await test.drop();
      await rm(folder, { recursive: true, force: true });
    };
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(() => close());

  const atelier = async (...args: string[]): Promise<Written> => {
    const written = { out: "", err: "" };
    vi.spyOn(process.stdout, "write").mockImplementation((text) => Boolean((written.out += String(text))));
    vi.spyOn(process.stderr, "write").mockImplementation((text) => Boolean((written.err += String(text))));
    const code = await main(args);
    vi.restoreAllMocks();
    return { code, ...written };
  };
  const json = async <Answer>(...args: string[]): Promise<Answer> => {
    const { code, out, err } = await atelier(...args, "--json");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.trim().split("\n")).toHaveLength(1);
    return JSON.parse(out) as Answer;
  };
  return { atelier, json };
}
