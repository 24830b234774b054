import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";

import { fromEngineSchema } from "@atelier/schema/engine-messages";
import type { FromEngine } from "@atelier/schema/engine-messages";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import type { TransformMessage } from "./transform-run.ts";

const root = join(import.meta.dirname, "../../..");
let folder = "";
let runs = 0;
const children: Child[] = [];

beforeAll(async () => {
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b", join(root, "engines/image")], { stdio: "inherit" });
  folder = await mkdtemp(join(tmpdir(), "atelier-image-engine-"));
  for (const [name, colour] of [["red", "#ff0000"], ["blue", "#0000ff"]] as const) {
    await sharp({ create: { width: 40, height: 20, channels: 3, background: colour } }).png().toFile(join(folder, `${name}.png`));
  }
});
afterEach(async () => {
  for (const child of children.splice(0)) await child.stop();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A running engine; every message it ever sent, checked against the protocol. */
class Child {
  readonly messages: FromEngine[] = [];
  readonly process: ChildProcess;
  readonly exited: Promise<unknown>;
  readonly #pipe: Duplex;
  #wake: () => void = () => undefined;

  constructor() {
    this.process = spawn(process.execPath, [join(root, "engines/image/dist/main.js")], { stdio: ["ignore", "pipe", "pipe", "pipe"] });
    this.exited = once(this.process, "exit");
    this.#pipe = this.process.stdio[3] as Duplex; // asked for as a pipe
    this.#pipe.on("error", () => undefined);
    createInterface({ input: this.#pipe }).on("line", (line) => {
      this.messages.push(fromEngineSchema.parse(JSON.parse(line)));
      this.#wake();
    });
    children.push(this);
  }

  send(...messages: object[]): this {
    for (const message of messages) this.#pipe.write(`${JSON.stringify(message)}\n`);
    return this;
  }

  async next(...types: FromEngine["type"][]): Promise<FromEngine> {
    for (;;) {
      const found = this.messages.find((message) => types.includes(message.type));
      if (found) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async stop(): Promise<void> {
    this.#pipe.destroy();
    await this.exited;
  }
}

const init = { type: "init", protocol: 1, threads: 1 };

async function transform(operation: string, values: TransformMessage["values"], ...files: [string, string][]): Promise<TransformMessage> {
  runs += 1;
  const outputFolder = await mkdtemp(join(folder, "out-"));
  return {
    type: "transform", runId: `run-${runs}`, operation, values, outputFolder, metadata: {},
    files: files.map(([parameter, name]) => ({ parameter, path: join(folder, name), name })),
  };
}

/** Pixels of the output, RGB. */
async function pixelsOf(message: TransformMessage): Promise<{ data: Buffer; width: number; height: number }> {
  const [name = ""] = await readdir(message.outputFolder);
  const { data, info } = await sharp(join(message.outputFolder, name)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

test("it says what it can, and reports started, progress, output and done of a run", async () => {
  const run = await transform("enlarge", { factor: 2.5, kernel: "nearest", format: "png" }, ["image", "red.png"]);
  const child = new Child().send(init, run);
  await child.next("done", "failed");
  expect(child.messages[0]).toMatchObject({ type: "ready", capabilities: { operations: ["enlarge", "contact-sheet"] } });
  expect(child.messages.slice(1).map((message) => message.type)).toEqual(["started", "progress", "progress", "output", "done"]);
  expect(child.messages[3]).toMatchObject({ step: 2, stepTotal: 2, index: 0 });
  expect(await pixelsOf(run)).toMatchObject({ width: 100, height: 50 });
});

test("a size in place of the factor: one side, both inside, both filled", async () => {
  const shapes: string[] = [];
  for (const values of [{ width: 100, factor: 8 }, { height: 100 }, { width: 100, height: 100, fit: "inside" }, { width: 30, height: 90, fit: "fill" }, { width: 30, height: 90, fit: "cover" }]) {
    const run = await transform("enlarge", values as TransformMessage["values"], ["image", "red.png"]);
    await new Child().send(init, run).next("done", "failed");
    const { width, height } = await pixelsOf(run);
    shapes.push(`${width}x${height}`);
  }
  expect(shapes).toEqual(["100x50", "200x100", "100x50", "30x90", "30x90"]);
});

test("a sheet has references first, in a row of their own, on the background, with readable labels", async () => {
  const layout = { columns: 2, gap: 10, cellwidth: 40, cellheight: 20, background: "#102030", labels: "number" };
  const run = await transform("contact-sheet", layout, ["pictures", "red.png"], ["pictures", "red.png"], ["references", "blue.png"]);
  await new Child().send(init, run).next("done", "failed");
  const { data, width, height } = await pixelsOf(run);
  expect([width, height]).toEqual([10 + 2 * 50, 10 + 2 * (20 + 11 + 10)]);
  const at = (x: number, y: number): number[] => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
  expect([at(0, 0), at(30, 20), at(80, 20), at(30, 61), at(80, 61)]).toEqual([[16, 32, 48], [0, 0, 255], [16, 32, 48], [255, 0, 0], [255, 0, 0]]);
  const label = Array.from({ length: 40 * 9 }, (_, index) => at(10 + (index % 40), 31 + Math.floor(index / 40)));
  expect(label.filter((pixel) => pixel.every((value) => value === 255)).length).toBeGreaterThan(8);
});

test("the same run gives the same bytes in another process, and a name of any script is a label", async () => {
  await writeFile(join(folder, "港 Ümläut (1).png"), await readFile(join(folder, "red.png")));
  const bytes: Buffer[] = [];
  for (const format of ["jpeg", "jpeg", "png", "png", "webp", "webp"]) {
    const run = await transform("contact-sheet", { format, quality: 80 }, ["pictures", "港 Ümläut (1).png"], ["pictures", "blue.png"]);
    await new Child().send(init, run).next("done", "failed");
    const [name = ""] = await readdir(run.outputFolder);
    bytes.push(await readFile(join(run.outputFolder, name)));
  }
  for (const at of [0, 2, 4]) expect(bytes[at]?.equals(bytes[at + 1] ?? Buffer.alloc(0))).toBe(true);
});

test("a cancelled run ends as cancelled, leaves no file, and the next one runs", async () => {
  const large = await transform("enlarge", { width: 8000, height: 8000, fit: "fill" }, ["image", "red.png"]);
  const next = await transform("enlarge", { factor: 1 }, ["image", "red.png"]);
  const child = new Child().send(init, large);
  await child.next("progress");
  child.send({ type: "cancel", runId: large.runId }, { type: "health", requestId: "h" });
  await child.next("cancelled", "done");
  expect(child.messages.at(-1)).toEqual({ type: "cancelled", runId: large.runId });
  child.send(next);
  await child.next("done");
  expect((await readdir(large.outputFolder)).filter((name) => !name.endsWith(".part"))).toEqual([]);
});

test.each([
  ["an unknown operation", "paint", {}, "red.png", "INPUT_INVALID"],
  ["a colour that is none", "contact-sheet", { background: "reddish" }, "red.png", "INPUT_INVALID"],
  ["a sheet beyond the limit", "contact-sheet", { columns: 1, cellwidth: 1024, cellheight: 60_000 }, "red.png", "OUTPUT_TOO_LARGE"],
  ["a size beyond the limit", "enlarge", { width: 9_000, height: 9_000, fit: "fill" }, "red.png", "OUTPUT_TOO_LARGE"],
  ["an SVG that refers elsewhere", "enlarge", {}, "evil.svg", "INPUT_UNREADABLE"],
  ["a TIFF", "enlarge", {}, "a.tiff", "INPUT_UNREADABLE"],
  ["a picture of 10 gigapixels", "contact-sheet", {}, "bomb.png", "INPUT_TOO_LARGE"],
  ["a missing file", "enlarge", {}, "none.png", "INPUT_UNREADABLE"],
] as const)("%s fails with its code and leaves no file", async (_name, operation, values, file, code) => {
  await writeFile(join(folder, "evil.svg"), '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>');
  await sharp(join(folder, "red.png")).tiff().toFile(join(folder, "a.tiff"));
  const bomb = await readFile(join(folder, "red.png"));
  bomb.writeUInt32BE(100_000, 16);
  bomb.writeUInt32BE(100_000, 20);
  const { crc32 } = await import("node:zlib");
  bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
  await writeFile(join(folder, "bomb.png"), bomb);
  const run = await transform(operation, values, [operation === "enlarge" ? "image" : "pictures", file]);
  const child = new Child().send(init, run);
  expect(await child.next("failed", "done")).toMatchObject({ type: "failed", code });
  expect(await readdir(run.outputFolder)).toEqual([]);
});

test("a file that cannot be written fails the run without blaming its picture", async () => {
  const run = await transform("enlarge", { factor: 1 }, ["image", "red.png"]);
  const child = new Child().send(init, { ...run, outputFolder: join(folder, "nowhere") });
  expect(await child.next("failed", "done")).toMatchObject({ code: "ENGINE_FAILED", message: expect.stringContaining("ENOENT") });
});

test("a full disk is reported as one, and leaves no file", async () => {
  const run = await transform("enlarge", { factor: 1 }, ["image", "red.png"]);
  // What is written there finds no room (full(4)).
  await symlink("/dev/full", join(run.outputFolder, "0.png.part"));
  const child = new Child().send(init, run);
  expect(await child.next("failed", "done")).toMatchObject({ code: "DISK_FULL" });
  expect(await readdir(run.outputFolder)).toEqual([]);
});

test("what is no message, a request before init and a second init are fatal", async () => {
  for (const messages of [[{ type: "nonsense" }], [{ type: "health", requestId: "h" }], [init, init], [{ ...init, protocol: 9 }]]) {
    const child = new Child().send(...messages);
    expect(await child.next("fatal")).toMatchObject({ code: "PROTOCOL_INVALID" });
    expect(await child.exited).toEqual([1, null]);
  }
});

test("it ends when its pipe closes, and does not draw", async () => {
  const child = new Child().send(init, { type: "run", runId: "r", basePath: "/", adapters: [], outputFolder: "/", metadata: {}, input: { prompt: "", steps: 1, guidanceScale: 1, seed: 1, widthPixels: 1, heightPixels: 1, samples: 1 } });
  expect(await child.next("failed")).toMatchObject({ code: "INPUT_INVALID" });
  await child.stop();
  expect(child.process.exitCode).toBe(0);
});
