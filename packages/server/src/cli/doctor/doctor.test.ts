import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { readConfig } from "../../config.ts";
import type { Config } from "../../config.ts";
import { openDatabase } from "../../db/database.ts";
import { createTestDatabase } from "../../db/test-database.ts";
import { openLog } from "../../log.ts";
import { checkEngineBinary, checkWeights } from "./check-engine.ts";
import { checkDataFolder, checkDisk, checkNode, checkPort } from "./check-machine.ts";
import { checkModels } from "./check-models.ts";
import { checkPostgres } from "./check-postgres.ts";

describe("the doctor", () => {
  let folder: string;
  const setup = (environment: Record<string, string> = {}): Config =>
    readConfig({}, { ATELIER_DATA: join(folder, "data"), ATELIER_MODELS: join(folder, "models"), ATELIER_PORT: "0", ...environment });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "atelier-doctor-test-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("is content with a sound machine", async () => {
    const config = setup();
    const log = openLog({ level: "silent", pretty: false });
    const findings = await Promise.all([
      checkNode(),
      checkEngineBinary(config),
      checkPostgres({ config, log }),
      checkDisk(config),
      checkDataFolder(config),
      checkPort(config),
    ]);
    expect(findings.filter((finding) => finding.status !== "ok")).toEqual([]);
  });

  it("asks an external database for its version and leaves it as empty as it was", async () => {
    const log = openLog({ level: "silent", pretty: false });
    const test = await createTestDatabase();
    const { host, user, database } = test.address;
    const name = `${database}_empty`;
    await test.db.query(`create database ${name} template template0`);
    const config = setup({ DATABASE_URL: `postgres://${user}@localhost/${name}?host=${encodeURIComponent(host)}` });
    const finding = await checkPostgres({ config, log });
    const db = openDatabase({ log }, { host, user, database: name });
    const { rows } = await db.query("select relname from pg_class where relnamespace = 'public'::regnamespace");
    await db.close();
    await test.db.query(`drop database ${name} with (force)`);
    await test.drop();
    expect(finding).toMatchObject({ status: "ok", detail: expect.stringContaining("external PostgreSQL") });
    expect(rows).toEqual([]);
  });

  it("names a runtime that is too old", () => {
    expect(checkNode("20.18.3")).toMatchObject({ status: "failed", detail: "version 20.18.3 is too old" });
  });

  it("names the weights file that is missing, cut off or altered", async () => {
    const content = Buffer.from("weights");
    const sha256 = createHash("sha256").update(content).digest("hex");
    const files = ["good", "missing", "cut", "altered"].map((name) => ({ path: `models/${name}`, sha256, sizeBytes: content.length }));
    await mkdir(join(folder, "models"));
    await writeFile(join(folder, "models/weights.json"), JSON.stringify(files));
    await writeFile(join(folder, "models/good"), content);
    await writeFile(join(folder, "models/cut"), "weig");
    await writeFile(join(folder, "models/altered"), "w3ights");
    const findings = await checkWeights(setup());
    expect(findings.map((finding) => finding.detail.slice(folder.length + 8))).toEqual([
      "missing is missing",
      "cut was altered: it has 4 bytes instead of 7",
      "altered was altered: its SHA-256 is another",
    ]);
    expect(findings.every((finding) => finding.status === "failed" && finding.remedy !== "")).toBe(true);
  });

  it("names the model that no engine of this installation runs", async () => {
    await mkdir(join(folder, "models"));
    const manifest = join(import.meta.dirname, "../../../../../tests/crash/fake-model.json");
    await copyFile(manifest, join(folder, "models/fake.json"));
    expect(await checkModels(setup())).toEqual([
      expect.objectContaining({ status: "warning", detail: "test/fake cannot be run here: no engine of this installation runs it" }),
    ]);
    const [finding] = await checkModels(setup({ ATELIER_FAKE_ENGINE: "1" }));
    expect(finding).toMatchObject({ status: "ok", detail: "1 models, each with an engine and its files" });
  });

  it("names the folder where no model is, and the one that does not exist", async () => {
    const remedy = expect.stringContaining("ATELIER_MODELS");
    const there = join(folder, "models");
    expect(await checkModels(setup())).toEqual([expect.objectContaining({ status: "failed", detail: `there is no folder ${there}`, remedy })]);
    await mkdir(there);
    const detail = `there is no model in ${join(folder, "data/models")} or ${there}`;
    expect(await checkModels(setup())).toEqual([expect.objectContaining({ status: "failed", detail, remedy })]);
  });

  it("names a port in use", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    // A listening TCP server has an address with a port.
    const { port } = server.address() as AddressInfo;
    const finding = await checkPort(setup({ ATELIER_PORT: String(port) }));
    server.close();
    expect(finding).toMatchObject({ status: "failed", detail: expect.stringContaining("is used by another program") });
    // That any free port would do says nothing to whoever asks about this one.
    expect(finding.remedy).not.toContain("--port 0");
  });

  it("names a data folder that a newer version wrote", async () => {
    await mkdir(join(folder, "data"));
    await writeFile(join(folder, "data/version"), "999");
    expect(await checkDataFolder(setup())).toMatchObject({ status: "failed", detail: expect.stringContaining("newer version") });
  });
});
