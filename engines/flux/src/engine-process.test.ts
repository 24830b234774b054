import { appendFile, copyFile, cp, mkdir, mkdtemp, readFile, readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ToEngine } from "@atelier/schema/engine-messages";
import { pipelinePaths, weightPaths } from "@atelier/flux/pipeline-files";
import { writeRandomAdapter, writeRandomModel } from "@atelier/flux/random-model";
import { limits } from "./limits.ts";
import { readPngTexts } from "./png-text.ts";
import { buildEngine, EngineChild } from "./testing/engine-child.ts";

const hashedPaths = [...weightPaths, pipelinePaths.tokenizer];

type Run = Extract<ToEngine, { type: "run" }>;

let folder: string;
let base: string;
let adapter: string;
let count = 0;
const running: EngineChild[] = [];

beforeAll(async () => {
  buildEngine();
  folder = await mkdtemp(join(tmpdir(), "atelier-engine-"));
  base = join(folder, "models/starter");
  adapter = join(folder, "models/adapters/random.safetensors");
  await writeRandomModel(base, { nativePixels: 64 });
  await writeRandomAdapter(adapter);
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((child) => child.stop()));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A fresh engine; `init` sent unless told otherwise. */
function start({ init = true } = {}): EngineChild {
  const child = new EngineChild();
  running.push(child);
  if (init) child.send({ type: "init", protocol: 1, threads: 2 });
  return child;
}

async function newFolder(): Promise<string> {
  const path = join(folder, `out-${count++}`);
  await mkdir(path);
  return path;
}

/** A copy of the models folder, for tests that damage it. */
async function copyOfModels(): Promise<string> {
  const copy = join(folder, `models-${count++}`);
  await cp(join(folder, "models"), copy, { recursive: true });
  return copy;
}

async function run(change: Partial<Omit<Run, "input">> & { input?: Partial<Run["input"]> } = {}): Promise<Run> {
  const input = {
    prompt: "a red planet, ünïcode ☾",
    steps: 3,
    guidanceScale: 20,
    seed: 4294967295,
    widthPixels: 96,
    heightPixels: 80,
    samples: 1,
    ...change.input,
  };
  const outputFolder = change.outputFolder ?? (await newFolder());
  const metadata = { variant: "cpu", model: "atelier/starter" };
  return { type: "run", runId: `run-${count++}`, basePath: base, adapters: [], metadata, ...change, input, outputFolder };
}

async function drawWith(child: EngineChild, message: Run) {
  child.send(message);
  const done = await child.next("done", ({ runId }) => runId === message.runId);
  const files = await readdir(message.outputFolder);
  const pictures = await Promise.all(files.toSorted().map((file) => readFile(join(message.outputFolder, file))));
  return { done, files: files.toSorted(), pictures };
}

describe("a run", () => {
  test("is started, reports every step, and gives one PNG file of the size asked for per sample", async () => {
    const child = start();
    const message = await run({ input: { samples: 2 } });
    const { files, pictures } = await drawWith(child, message);
    expect((await child.next("ready")).capabilities).toMatchObject({ threads: 2 });
    const own = child.messages.filter((sent) => "runId" in sent && sent.runId === message.runId);
    expect(own.map((sent) => (sent.type === "progress" ? sent.step : sent.type))).toEqual([
      "started", 1, 2, 3, "output", 4, 5, 6, "output", "done",
    ]);
    expect(own[1]).toMatchObject({ index: 0, stepTotal: 6 });
    expect(own[4]).toMatchObject({ path: join(message.outputFolder, "0.png"), contentType: "image/png", index: 0 });
    expect(files).toEqual(["0.png", "1.png"]);
    expect(await sharp(pictures[1]).metadata()).toMatchObject({ width: 96, height: 80, channels: 3, format: "png" });
  });

  test("says in each picture what is needed to draw it again", async () => {
    const message = await run({ adapters: [{ path: adapter, weight: 0.75 }], input: { samples: 2 } });
    const { pictures } = await drawWith(start(), message);
    const texts = new Map(readPngTexts(pictures[1]!).map(({ keyword, text }) => [keyword, text]));
    const hash = async (path: string) => createHash("sha256").update(await readFile(path)).digest("hex");
    expect(texts.get("Description")).toBe("a red planet, ünïcode ☾");
    expect(JSON.parse(texts.get("atelier")!)).toEqual({
      model: "atelier/starter",
      variant: "cpu",
      engine: texts.get("Software")!.replace("Atelier ", ""),
      base: Object.fromEntries(await Promise.all(hashedPaths.map(async (path) => [path, await hash(join(base, path))]))),
      adapters: [{ sha256: await hash(adapter), weight: 0.75 }],
      prompt: "a red planet, ünïcode ☾",
      seed: 0,
      steps: 3,
      guidanceScale: 20,
      guidanceScaleUsed: 10,
      renderedPixels: [64, 64],
      requestedPixels: [96, 80],
    });
  });

  test("gives byte-identical files in another process, whatever was drawn before", async () => {
    const first = await drawWith(start(), await run());
    const child = start();
    await drawWith(child, await run({ adapters: [{ path: adapter, weight: 1 }], input: { prompt: "else" } }));
    const again = await drawWith(child, await run());
    expect(again.pictures).toEqual(first.pictures);
  });

  test("with an adapter gives another picture, and loads nothing more", async () => {
    const child = start();
    const bare = await drawWith(child, await run());
    const adapted = await drawWith(child, await run({ adapters: [{ path: adapter, weight: 1 }] }));
    const pixels = (file: Buffer) => sharp(file).raw().toBuffer();
    expect(await pixels(adapted.pictures[0]!)).not.toEqual(await pixels(bare.pictures[0]!));
    expect([bare.done.loadCount, adapted.done.loadCount]).toEqual([1, 1]);
  });

  test("that cannot write its file fails with the reason, and the engine goes on", async () => {
    const child = start();
    const message = await run({ outputFolder: "/nowhere/at/all" });
    child.send(message);
    expect(await child.next("failed")).toMatchObject({ runId: message.runId, code: "ENGINE_FAILED" });
    await drawWith(child, await run());
  });

  test("with a relative path is refused", async () => {
    const child = start();
    child.send(await run({ basePath: "models/starter" }));
    expect(await child.next("failed")).toMatchObject({ code: "INPUT_INVALID" });
  });
});

describe("loading", () => {
  test("twice counts once; after an unload it counts again", async () => {
    const child = start();
    child.send({ type: "load", requestId: "first", basePath: base, adapters: [{ path: adapter, weight: 1 }] });
    child.send({ type: "load", requestId: "second", basePath: base, adapters: [] });
    expect((await child.next("loaded", ({ requestId }) => requestId === "second")).loadCount).toBe(1);
    expect((await drawWith(child, await run())).done.loadCount).toBe(1);
    child.send({ type: "unload", basePath: base });
    expect((await drawWith(child, await run())).done.loadCount).toBe(2);
  });

  test("what is not there fails under the request's id", async () => {
    const child = start();
    child.send({ type: "load", requestId: "r", basePath: "/nowhere", adapters: [] });
    expect(await child.next("failed")).toMatchObject({ runId: "r", code: "WEIGHTS_MISSING" });
  });
});

describe("cancelling", () => {
  test("ends a run between two steps, leaves no file of it, and the engine draws on", async () => {
    const child = start();
    const message = await run({ input: { steps: 200, samples: 4 } });
    child.send(message);
    await child.next("progress", ({ step }) => step === 2);
    child.send({ type: "cancel", runId: message.runId });
    await child.next("cancelled");
    const steps = child.messages.filter((sent) => sent.type === "progress").length;
    expect(steps).toBeLessThan(200);
    expect(await readdir(message.outputFolder)).toEqual([]);
    await drawWith(child, await run());
  });

  test("removes the pictures that were already finished", async () => {
    const child = start();
    const message = await run({ input: { samples: 500 } });
    child.send(message);
    await child.next("output");
    child.send({ type: "cancel", runId: message.runId });
    await child.next("cancelled");
    expect(await readdir(message.outputFolder)).toEqual([]);
  });

  test("reaches a run that still waits, and does nothing for one that is unknown", async () => {
    const child = start();
    const [first, second] = [await run(), await run()];
    child.send(first);
    child.send(second);
    child.send({ type: "cancel", runId: second.runId });
    child.send({ type: "cancel", runId: "never heard of" });
    await child.next("done", ({ runId }) => runId === first.runId);
    await child.next("cancelled", ({ runId }) => runId === second.runId);
  });
});

describe("damaged weights fail the run and name the file", () => {
  async function failure(damage: (models: string) => Promise<unknown>, adapters: string[] = []) {
    const models = await copyOfModels();
    await damage(models);
    const child = start();
    const uses = adapters.map((file) => ({ path: join(models, file), weight: 1 }));
    child.send(await run({ basePath: join(models, "starter"), adapters: uses }));
    return child.next("failed");
  }

  test.each(weightPaths)("%s missing", async (path) => {
    const failed = await failure((models) => rm(join(models, "starter", path)));
    expect(failed.code).toBe("WEIGHTS_MISSING");
    expect(failed.message).toContain(join("starter", path));
  });

  test.each(weightPaths)("%s cut off", async (path) => {
    const failed = await failure(async (models) => truncate(join(models, "starter", path), 5_000));
    expect(failed.code).toBe("WEIGHTS_INVALID");
    expect(failed.message).toContain(path);
  });

  test("one byte altered, which only the stated hash can tell", async () => {
    const failed = await failure(async (models) => {
      await stateHashes(models);
      const path = join(models, "starter", weightPaths[1]);
      const bytes = await readFile(path);
      bytes[bytes.length - 1]! ^= 1; // a file has a last byte
      await writeFile(path, bytes);
    });
    expect(failed.code).toBe("WEIGHTS_INVALID");
    expect(failed.message).toMatch(new RegExp(`${weightPaths[1]}: was altered`));
  });

  test("an altered vocabulary", async () => {
    const failed = await failure(async (models) => {
      await stateHashes(models);
      const path = join(models, "starter", pipelinePaths.tokenizer);
      await writeFile(path, (await readFile(path, "utf8")).replace('"a"', '"A"'));
    });
    expect(failed.message).toContain(pipelinePaths.tokenizer);
  });

  test("a byte more than stated", async () => {
    const failed = await failure(async (models) => {
      await stateHashes(models);
      await appendFile(join(models, "adapters/random.safetensors"), " ");
    }, ["adapters/random.safetensors"]);
    expect(failed.code).toBe("WEIGHTS_INVALID");
    expect(failed.message).toContain("adapters/random.safetensors");
  });

  test("an adapter that is not there, or is none", async () => {
    const missing = await failure(async () => undefined, ["adapters/none.safetensors"]);
    expect(missing).toMatchObject({ code: "WEIGHTS_MISSING" });
    const other = await failure(
      (models) => copyFile(join(models, "starter", weightPaths[2]), join(models, "adapters/other.safetensors")),
      ["adapters/other.safetensors"],
    );
    expect(other).toMatchObject({ code: "MODEL_UNSUPPORTED" });
  });

  test("even when the base is in memory already; put back, it draws again", async () => {
    const models = await copyOfModels();
    const path = join(models, "starter", weightPaths[0]);
    const child = start();
    const message = () => run({ basePath: join(models, "starter") });
    await drawWith(child, await message());
    await rename(path, `${path}.away`);
    child.send(await message());
    expect((await child.next("failed")).message).toContain(path);
    await rename(`${path}.away`, path);
    await drawWith(child, await message());
  });

  test("stated hashes that agree let it pass, and a list that is none does not", async () => {
    const models = await copyOfModels();
    await stateHashes(models);
    const child = start();
    const adapters = [{ path: join(models, "adapters/random.safetensors"), weight: 1 }];
    await drawWith(child, await run({ basePath: join(models, "starter"), adapters }));
    await writeFile(join(models, "weights.json"), "{}");
    const second = start();
    second.send(await run({ basePath: join(models, "starter") }));
    expect((await second.next("failed")).message).toContain("weights.json");
  });
});

/** Writes weights.json for every weights file of a models folder. */
async function stateHashes(models: string): Promise<void> {
  const paths = [...hashedPaths.map((path) => `starter/${path}`), "adapters/random.safetensors"];
  const files = await Promise.all(
    paths.map(async (path) => {
      const bytes = await readFile(join(models, path));
      return { path: `models/${path}`, sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
    }),
  );
  await writeFile(join(models, "weights.json"), JSON.stringify(files));
}

describe("the engine's end", () => {
  test("comes when the pipe closes, also in the middle of a drawing", async () => {
    const child = start();
    child.send(await run({ input: { steps: 1000, samples: 100 } }));
    await child.next("progress");
    child.closePipe();
    expect(await child.exited).toBe(0);
  });

  test("comes with a shutdown", async () => {
    const child = start();
    child.send({ type: "shutdown" });
    expect(await child.exited).toBe(0);
  });

  test("does not come with the SIGINT that Ctrl-C sends to the whole group", async () => {
    const child = start();
    await child.next("ready");
    child.process.kill("SIGINT");
    await drawWith(child, await run());
  });

  test("comes at once, with the reason, when there is no pipe", () => {
    const main = join(import.meta.dirname, "../dist/main.js");
    const { status, stderr } = spawnSync(process.execPath, [main], { stdio: ["ignore", "ignore", "pipe"] });
    expect(status).toBe(2);
    expect(stderr.toString()).toMatch(/file descriptor 3 is not a pipe/);
  });
});

test("an ONNX Runtime that cannot be loaded is told over the pipe", async () => {
  const hook = `export async function resolve(name, context, next) {
    if (name === "onnxruntime-node") throw new Error("no binary");
    return next(name, context);
  }`;
  const preload = `import { register } from "node:module"; register("data:text/javascript,${encodeURIComponent(hook)}");`;
  const child = new EngineChild(["--import", `data:text/javascript,${encodeURIComponent(preload)}`]);
  running.push(child);
  expect(await child.next("fatal")).toMatchObject({ code: "ENGINE_BINARY_MISSING" });
  expect(await child.exited).toBe(1);
});

describe("a message that is none is fatal, and says why", () => {
  const cases: [string, string, RegExp][] = [
    ["text that is not JSON", "hello\n", /not JSON: hello/],
    ["an unknown type", '{"type":"paint"}\n', /not of the protocol/],
    ["a missing field", '{"type":"load","requestId":"a","basePath":"/a"}\n', /adapters/],
    ["a line without end", "x".repeat(limits.lineBytes + 1), /longer than/],
    ["a line over the limit", `${"x".repeat(limits.lineBytes + 1)}\n`, /longer than/],
    ["init twice", '{"type":"init","protocol":1,"threads":1}\n', /came twice/],
  ];
  test.each(cases)("%s", async (_, text, message) => {
    const child = start();
    await child.next("ready");
    child.sendText(text);
    const fatal = await child.next("fatal");
    expect(fatal.code).toBe("PROTOCOL_INVALID");
    expect(fatal.message).toMatch(message);
    expect(await child.exited).toBe(1);
  });

  test("a request before init", async () => {
    const child = start({ init: false });
    child.send({ type: "health", requestId: "h" });
    expect((await child.next("fatal")).message).toMatch(/before "init"/);
  });

  test("another protocol", async () => {
    const child = start({ init: false });
    child.send({ type: "init", protocol: 2, threads: 1 });
    expect((await child.next("fatal")).message).toMatch(/speaks 1/);
  });

  test("the same run id while the first is at work", async () => {
    const child = start();
    const message = await run({ input: { steps: 500 } });
    child.send(message);
    child.send(message);
    expect((await child.next("fatal")).message).toMatch(/came twice/);
  });
});

test("health is answered while a run is drawn, with the memory in use", async () => {
  const child = start();
  const message = await run({ input: { steps: 300 } });
  child.send(message);
  await child.next("progress");
  child.send({ type: "health", requestId: "h" });
  const { residentBytes } = await child.next("health");
  expect(residentBytes).toBeGreaterThan(20e6);
  expect(residentBytes).toBeLessThan(600e6);
  expect(child.messages.some(({ type }) => type === "done")).toBe(false);
});

test("more requests than the limit are refused, those before are served", async () => {
  const child = start();
  const messages = await Promise.all(Array.from({ length: limits.queuedRequests + 2 }, () => run({ input: { steps: 1 } })));
  for (const message of messages) child.send(message);
  const busy = await child.next("failed");
  expect(busy.code).toBe("ENGINE_BUSY");
  await child.next("done", ({ runId }) => runId === messages[limits.queuedRequests - 1]!.runId);
});
