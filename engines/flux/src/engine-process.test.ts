import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { pipelinePaths, weightPaths } from "@atelier/flux/pipeline-files";
import { engineLineBytes } from "@atelier/schema/engine-pipe";
import { limits } from "./limits.ts";
import { readPngTexts } from "./png-text.ts";
import { drawWith, type Run, useEngine } from "./testing/engine-fixture.ts";

const { base, adapter, start, run } = useEngine();
const hashedPaths = [...weightPaths, pipelinePaths.tokenizer];

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
    const message = await run({ adapters: [{ path: adapter(), weight: 0.75 }], input: { samples: 2 } });
    const { pictures } = await drawWith(start(), message);
    const texts = new Map(readPngTexts(pictures[1]!).map(({ keyword, text }) => [keyword, text]));
    const hash = async (path: string) => createHash("sha256").update(await readFile(path)).digest("hex");
    expect(texts.get("Description")).toBe("a red planet, ünïcode ☾");
    expect(JSON.parse(texts.get("atelier")!)).toEqual({
      model: "atelier/starter",
      variant: "cpu",
      engine: texts.get("Software")!.replace("Atelier ", ""),
      base: Object.fromEntries(await Promise.all(hashedPaths.map(async (path) => [path, await hash(join(base(), path))]))),
      adapters: [{ sha256: await hash(adapter()), weight: 0.75 }],
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
    await drawWith(child, await run({ adapters: [{ path: adapter(), weight: 1 }], input: { prompt: "else" } }));
    const again = await drawWith(child, await run());
    expect(again.pictures).toEqual(first.pictures);
  });

  test("has previews once somebody looks, and draws the same picture to the bit", async () => {
    const plain = await run({ input: { steps: 12 } });
    const child = start();
    const first = await drawWith(child, plain);
    const message = await run({ input: { steps: 12 } });
    child.send(message);
    child.send({ type: "preview", runId: message.runId });
    await child.next("done", ({ runId }) => runId === message.runId);
    const previewsOf = ({ runId }: Run) => child.messages.flatMap((sent) => (sent.type === "progress" && sent.runId === runId && sent.preview ? [sent.preview] : []));
    expect(previewsOf(plain)).toEqual([]);
    const [preview = ""] = previewsOf(message);
    const bytes = Buffer.from(preview.replace("data:image/webp;base64,", ""), "base64");
    expect(await sharp(bytes).metadata()).toMatchObject({ format: "webp", width: 64, height: 64 });
    expect(await readFile(join(message.outputFolder, "0.png"))).toEqual(first.pictures[0]);
  });

  test("with an adapter gives another picture, and loads nothing more", async () => {
    const child = start();
    const bare = await drawWith(child, await run());
    const adapted = await drawWith(child, await run({ adapters: [{ path: adapter(), weight: 1 }] }));
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

  test("that finds the disk full says so, leaves no file, and the engine goes on", async () => {
    const child = start();
    const message = await run();
    // What is written there finds no room (full(4)).
    await symlink("/dev/full", join(message.outputFolder, "0.png.part"));
    child.send(message);
    expect(await child.next("failed")).toMatchObject({ runId: message.runId, code: "DISK_FULL" });
    expect(await readdir(message.outputFolder)).toEqual([]);
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
    child.send({ type: "load", requestId: "first", basePath: base(), adapters: [{ path: adapter(), weight: 1 }] });
    child.send({ type: "load", requestId: "second", basePath: base(), adapters: [] });
    expect((await child.next("loaded", ({ requestId }) => requestId === "second")).loadCount).toBe(1);
    expect((await drawWith(child, await run())).done.loadCount).toBe(1);
    child.send({ type: "unload", basePath: base() });
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
  const nodeArguments = ["--import", `data:text/javascript,${encodeURIComponent(preload)}`];
  const child = start({ init: false, nodeArguments });
  expect(await child.next("fatal")).toMatchObject({ code: "ENGINE_BINARY_MISSING" });
  expect(await child.exited).toBe(1);
});

describe("a message that is none is fatal, and says why", () => {
  const cases: [string, string, RegExp][] = [
    ["text that is not JSON", "hello\n", /not JSON: hello/],
    ["an unknown type", '{"type":"paint"}\n', /not of the protocol/],
    ["a missing field", '{"type":"load","requestId":"a","basePath":"/a"}\n', /adapters/],
    ["a line without end", "x".repeat(engineLineBytes + 1), /longer than/],
    ["a line over the limit", `${"x".repeat(engineLineBytes + 1)}\n`, /longer than/],
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
