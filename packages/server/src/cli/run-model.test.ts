import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { openApiClient } from "./api-client.ts";
import { asCommandFailure } from "./command-failure.ts";
import { runModel } from "./run-model.ts";
import type { RunOutcome } from "./run-model.ts";

const created = { status: 200, body: { result: true, taskid: "1" } };
const ended = {
  status: 200,
  body: {
    result: true,
    tasklist: [{ status: "task_postprocess_end", pexit: "0", debugerror: "", elapsedseconds: "1.0", outputs: [] }],
  },
};
const drawn = {
  status: 200,
  body: {
    result: true,
    tasklist: [{ ...ended.body.tasklist[0], outputs: [{ name: "0.png", url: "http://elsewhere.example/outputs/key/0.png" }] }],
  },
};
const waiting = (queueworkers: string) => ({
  status: 200,
  body: { result: true, tasklist: [{ ...ended.body.tasklist[0], status: "task_queue", queueposition: "1", queueworkers }] },
});
const busy = { status: 503, body: { result: false, errors: [{ code: 0, message: "starting" }] } };
const gatewayPage = { status: 502, body: "<html>" };
const cutOff = { status: 0, body: "" };
const unknownModel = { status: 404, body: { result: false, errors: [{ code: 1, message: "slug-owner-project-not-exist" }] } };
const refusedWithStop = { status: 400, body: { result: false, errors: [{ code: 0, message: "Request parameters are invalid." }] } };
const foreign = { status: 404, body: "<html>" };
const unknownTask = { status: 404, body: { result: false, errors: [{ code: 0, message: "no such task" }] } };

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

describe("a followed task", () => {
  let server: Server;
  const labels: string[] = [];
  const asked: string[] = [];
  let outputDir: string;
  beforeEach(async () => {
    outputDir = await mkdtemp(join(tmpdir(), "atelier-run-model-"));
    labels.length = 0;
    asked.length = 0;
  });
  afterEach(async () => {
    server.close();
    await rm(outputDir, { recursive: true, force: true });
  });

  /** Runs a model on a server that gives these answers in turn, the last one for ever; status 0 cuts the connection. */
  async function run(answers: Answer[], { awayMs = 30_000, noWorkerMs = 30_000, output = outputDir } = {}): Promise<RunOutcome> {
    server = createServer((request, response) => {
      asked.push(request.url ?? "");
      const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? cutOff;
      request.resume();
      if (answer.status === 0) return request.socket.destroy();
      response.writeHead(answer.status, { "content-type": "application/json", "retry-after": "0" });
      return response.end(JSON.stringify(answer.body));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    // A listening TCP server has an address with a port.
    const { port } = server.address() as AddressInfo;
    const client = openApiClient(`http://127.0.0.1:${port}`, { apiKey: "key", apiSecret: null });
    const progress = { show: ({ label }: { label: string }) => void labels.push(label), end: () => undefined };
    const { signal } = new AbortController();
    const options = { model: "test/fake", parameters: {}, outputDir: output };
    return runModel({ client, progress, signal, awayMs, noWorkerMs }, options).catch(asCommandFailure);
  }

  it("is followed over a restart of the server and of what stands before it", async () => {
    expect(await run([created, busy, gatewayPage, cutOff, ended])).toMatchObject({ pexit: "0" });
    const away = expect.stringMatching(/^http:\S+ does not answer; asking again$/);
    expect(labels).toEqual([away, away, away, "done"]);
  });

  it("that waits for a worker which nobody runs says so after a while", async () => {
    await run([created, waiting("1"), waiting("0"), ended], { noWorkerMs: 1 });
    await run([created, waiting("0"), ended]);
    expect(labels).toEqual(["waiting", "waiting: no worker of the server offers this model", "done", "waiting", "done"]);
  });

  it("says where the names are, of a model that is not there", async () => {
    await expect(run([unknownModel])).rejects.toMatchObject({ remedy: expect.stringContaining("`atelier model list`") });
  });

  it("is given up when the server stays in trouble, and the user is told that it is not the request", async () => {
    await expect(run([busy])).rejects.toMatchObject({
      code: "COMMAND_FAILED",
      problem: "The server is in trouble: starting.",
      remedy: expect.stringContaining("not the reason"),
    });
    server.close();
    await expect(run([created, busy], { awayMs: 20 })).rejects.toMatchObject({
      problem: "The server is in trouble: starting.",
      remedy: expect.stringContaining("Task 1 is safe"),
    });
  });

  it("is named, and said to be safe, when the server stays away", async () => {
    await expect(run([created, cutOff], { awayMs: 20 })).rejects.toMatchObject({
      code: "COMMAND_FAILED",
      problem: expect.stringMatching(/^No server answers at http:\S+: socket hang up\.$/),
      remedy: expect.stringContaining("Task 1 is safe"),
    });
  });

  it.each([
    [refusedWithStop, "The server refused: Request parameters are invalid.", /inputs\.$/],
    [foreign, expect.stringMatching(/^http:\S+ is no Atelier server \(HTTP 404\)\.$/), /--url or ATELIER_URL/],
  ])("is refused in the server's words, one full stop behind them: %j", async (answer, problem, remedy) => {
    await expect(run([answer])).rejects.toMatchObject({ problem, remedy: expect.stringMatching(remedy) });
  });

  it("is given up at once when the server refuses", async () => {
    await expect(run([created, unknownTask, ended])).rejects.toMatchObject({ problem: "The server refused: no such task." });
  });

  it.each(["/proc/atelier/pictures", import.meta.filename, "/proc"])("is not even created when its pictures cannot be saved in %s", async (output) => {
    await expect(run([created, ended], { output })).rejects.toMatchObject({
      code: "COMMAND_FAILED",
      problem: expect.stringContaining(`No pictures can be saved in ${output}`),
    });
    expect(asked).toEqual([]);
  });

  it("that was drawn tells where its pictures are when they cannot be saved after all", async () => {
    await mkdir(join(outputDir, "fake-1-0.png"));
    await expect(run([created, drawn])).rejects.toMatchObject({
      code: "COMMAND_FAILED",
      problem: expect.stringMatching(/^Task 1 is done, but its pictures could not be saved: EISDIR/),
      remedy: expect.stringMatching(/\nhttp:\/\/127\.0\.0\.1:\d+\/outputs\/key\/0\.png$/),
    });
    expect(await readdir(outputDir)).toEqual(["fake-1-0.png"]);
  });
});
