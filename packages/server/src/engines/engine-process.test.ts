import { join } from "node:path";

import { afterEach, expect, test } from "vitest";

import { EngineProcess } from "./engine-process.ts";
import type { EngineCommand, RunMessage } from "./engine-process.ts";

const fake: EngineCommand = {
  name: "fake",
  command: process.execPath,
  args: [join(import.meta.dirname, "../../../../engines/fake/main.mjs")],
};
const follower = { onProgress: () => undefined, onLog: () => undefined, onErrorLine: () => undefined };
const never = new AbortController().signal;

const started: EngineProcess[] = [];
afterEach(async () => {
  for (const engine of started.splice(0)) await engine.stop();
});

async function start(command: EngineCommand): Promise<EngineProcess> {
  const engine = await EngineProcess.start(command, { threads: 1 });
  started.push(engine);
  return engine;
}

/** An engine that is one line of JavaScript: `pipe` is its end of the channel. */
function scripted(line: string): EngineCommand {
  const script = `const pipe = new (require("net").Socket)({ fd: 3, readable: true, writable: true });
    const send = (message) => pipe.write(JSON.stringify(message) + "\\n");
    pipe.on("data", (data) => String(data).includes('"shutdown"') && process.exit(0)); ${line}`;
  return { name: "scripted", command: process.execPath, args: ["-e", script] };
}

function runOf(prompt: string): RunMessage {
  const input = { prompt, steps: 2, guidanceScale: 1, seed: 1, widthPixels: 64, heightPixels: 64, samples: 1 };
  return { type: "run", runId: "1", basePath: ".", adapters: [], input, outputFolder: "/nonexistent", metadata: {} };
}

test("a program that ends before it is ready is told by its exit and its last words", async () => {
  const command = scripted(`console.error("no weights here"); setTimeout(() => process.exit(7), 50)`);
  await expect(EngineProcess.start(command, { threads: 1 })).rejects.toThrow(/exit 7.*no weights here/);
});

test("a program that cannot be started is told", async () => {
  const command = { name: "absent", command: "/nonexistent/engine", args: [] };
  await expect(EngineProcess.start(command, { threads: 1 })).rejects.toThrow("ENOENT");
});

test("an engine of another protocol version is refused", async () => {
  const command = scripted(`send({ type: "ready", protocol: 999, engine: "x", capabilities: {} })`);
  await expect(EngineProcess.start(command, { threads: 1 })).rejects.toThrow("999");
});

test("lines that are no messages are logged and change nothing", async () => {
  const engine = await start(
    scripted(`send({ type: "ready", protocol: 1, engine: "x", capabilities: {} });
      pipe.on("data", (data) => { if (!String(data).includes('"run"')) return;
        pipe.write("not json\\n{}\\n"); send({ type: "done", runId: "other", loadCount: 0, elapsedMs: 0 });
        send({ type: "done", runId: "1", loadCount: 1, elapsedMs: 5 }); })`),
  );
  const log: string[] = [];
  const result = await engine.run(runOf("x"), { ...follower, onErrorLine: (text) => void log.push(text) }, { signal: never });
  expect(result).toEqual({ kind: "done", outputs: [], loadCount: 1, elapsedMs: 5 });
  expect(log).toEqual(["engine scripted sent not a message: not json", "engine scripted sent not a message: {}"]);
});

test.each([
  ["is done", `send({ type: "done", runId: "1", loadCount: 1, elapsedMs: 5 })`, { kind: "done" }],
  ["fails", `send({ type: "failed", runId: "1", code: "X", message: "x" })`, { kind: "failed" }],
  ["exits", "process.exit(7)", { kind: "crashed", reason: "exit 7" }],
])("what an engine writes before it %s belongs to its run, however late it is read", async (_, ending, outcome) => {
  const engine = await start(
    scripted(`send({ type: "ready", protocol: 1, engine: "x", capabilities: {} });
      pipe.on("data", (data) => { if (!String(data).includes('"run"')) return;
        send({ type: "progress", runId: "1", index: 0, step: 1, stepTotal: 1, secondsPerStep: 0 });
        setTimeout(() => { console.log("last output"); console.error("last words"); ${ending}; }, 50); })`),
  );
  const log: string[] = [];
  const keep = (text: string): void => void log.push(text);
  // Looks at no pipe until all has been written: then the pipe of the messages, which was read last, is looked at first.
  const onProgress = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  const result = await engine.run(runOf("x"), { onProgress, onLog: keep, onErrorLine: keep }, { signal: never });
  expect(result).toMatchObject(outcome);
  expect(log.toSorted()).toEqual(["last output", "last words"]);
});

test("a silent engine is killed and counts as crashed", async () => {
  const engine = await start(fake);
  expect(await engine.run(runOf("hang"), follower, { signal: never, silenceMs: 100 })).toEqual({
    kind: "crashed",
    reason: "exit SIGKILL",
  });
  expect(engine.isAlive).toBe(false);
});

test("a run that was stopped before it began is never sent", async () => {
  const engine = await start(fake);
  const stopped = AbortSignal.abort("drain");
  expect(await engine.run(runOf("x"), follower, { signal: stopped })).toEqual({ kind: "cancelled" });
  expect(engine.isAlive).toBe(true);
});
