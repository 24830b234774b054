import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { SocketClient, fetchUpgrade } from "./client.ts";
import { publicUrl, startWorld } from "./setup.ts";
import type { World } from "./setup.ts";

const lifeOfOneStep = `task_queue task_accept task_preprocess_start task_preprocess_end task_assign task_start task_output
  task_output_full task_end task_postprocess_start task_postprocess_end`.split(/\s+/);

const types = (frames: readonly { type: string }[]): string[] => frames.map(({ type }) => type);

describe("the socket", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    await world.work(4);
  });
  afterAll(() => world.stop());

  it("greets, without being asked and without a key", async () => {
    const client = await world.server.connect();
    expect(client.frames).toEqual([{ type: "connected", version: "1.0" }]);
  });

  it("follows a run from the queue to its outputs, with every field of both generations", async () => {
    const client = await world.server.connect();
    const { taskid, socketaccesstoken } = await world.run({ steps: 1 });
    client.follow(socketaccesstoken);
    const end = await client.end(taskid);
    const frames = client.of(taskid);
    expect(types(frames)).toEqual(lifeOfOneStep);
    for (const frame of frames.slice(0, -1)) {
      const message = frame.type === "task_output" ? expect.objectContaining({ type: "progressGenerate" }) : null;
      const rest = { result: true, success: null, terminal: false, exitCode: null };
      expect(frame).toEqual({ type: frame.type, id: taskid, tasktoken: socketaccesstoken, message, ...rest });
    }
    const { outputs } = await world.detail(taskid);
    const rest = { result: true, success: true, terminal: true, exitCode: 0 };
    expect(end).toEqual({ type: "task_postprocess_end", id: taskid, tasktoken: socketaccesstoken, message: outputs, ...rest });
    expect(end["message"]).toEqual([expect.objectContaining({ url: expect.stringContaining(`${publicUrl}/outputs/`) })]);
  });

  it("tells every value of the progress as text", async () => {
    const client = await world.server.connect();
    const { taskid, socketaccesstoken } = await world.run({ prompt: "stepMs=1", steps: 4, samples: 2 });
    client.follow(socketaccesstoken);
    await client.end(taskid);
    const progress = client.of(taskid).filter(({ type }) => type === "task_output");
    const last = progress.at(-1)?.["message"] as Record<string, unknown>;
    expect(Object.values(last).every((value) => typeof value === "string")).toBe(true);
    expect(last).toMatchObject({ percentage: "100", stepCurrent: "8", stepTotal: "8", speed: "1000", speedType: "it/s" });
  });

  it("sends the terminal frame only when Detail already shows the end", async () => {
    const client = await world.server.connect();
    const seen = Array.from({ length: 16 }, async () => {
      const { taskid, socketaccesstoken } = await world.run({ steps: 2 });
      client.follow(socketaccesstoken);
      const { type, message } = await client.end(taskid);
      const { status, outputs } = await world.detail(taskid);
      expect({ status, outputs }).toEqual({ status: type, outputs: message });
    });
    await Promise.all(seen);
  });

  it("gives a client that comes after the end the same frames", async () => {
    const { taskid, socketaccesstoken } = await world.run({ steps: 1 });
    const early = await world.server.connect();
    early.follow(socketaccesstoken);
    await early.end(taskid);
    const late = await world.server.connect();
    late.follow(socketaccesstoken);
    await late.end(taskid);
    expect(late.frames).toEqual(early.frames);
  });

  it("follows several tasks at once, each once however often it is asked for", async () => {
    const client = await world.server.connect();
    const [first, second] = await Promise.all([world.run({ steps: 1 }), world.run({ steps: 1 })]);
    for (const { socketaccesstoken } of [first, second, first]) client.follow(socketaccesstoken);
    await Promise.all([client.end(first.taskid), client.end(second.taskid)]);
    expect(types(client.of(first.taskid))).toEqual(lifeOfOneStep);
    expect(types(client.of(second.taskid))).toEqual(lifeOfOneStep);
  });

  it("follows a task that another server runs", async () => {
    const beside = await world.listenBeside();
    const client = await beside.connect();
    const { taskid, socketaccesstoken } = await world.run({ steps: 1 });
    client.follow(socketaccesstoken);
    await client.end(taskid);
    expect(types(client.of(taskid))).toEqual(lifeOfOneStep);
  });

  it("goes on after the event that a client names, and numbers the frames for it", async () => {
    const { taskid, socketaccesstoken } = await world.run({ steps: 1 });
    const client = await world.server.connect();
    client.follow(socketaccesstoken, { afterseq: 8 });
    await client.end(taskid);
    expect(client.of(taskid).map(({ seq, type }) => ({ seq, type }))).toEqual(
      lifeOfOneStep.map((type, at) => ({ seq: at + 1, type })).slice(8),
    );
  });

  it("ends a failed run with an empty list and its exit code", async () => {
    const client = await world.server.connect();
    const { taskid, socketaccesstoken } = await world.run({ prompt: "fail", steps: 1 });
    client.follow(socketaccesstoken);
    const { type, message, success, exitCode } = await client.end(taskid);
    expect([type, message, success, exitCode]).toEqual(["task_postprocess_end", [], false, 1]);
  });

  it("tells a kill as task_cancel", async () => {
    const client = await world.server.connect();
    const { taskid, socketaccesstoken } = await world.run({ prompt: "stepMs=20", steps: 1000 });
    client.follow(socketaccesstoken);
    await client.until(() => types(client.of(taskid)).includes("task_output"));
    await world.post("/v1/Task/Kill", { taskid });
    expect(await client.end(taskid)).toMatchObject({ type: "task_cancel", message: null, success: false, exitCode: 137 });
  });

  it("answers an unknown token with an error and closes, whatever it is", async () => {
    for (const tasktoken of ["x".repeat(30), "", "a\0b", "%' or 1=1", 7, null, undefined, { a: 1 }]) {
      const client = await world.server.connect();
      client.send({ type: "task_info", tasktoken });
      expect(await client.closed).toEqual({ code: 1008, reason: "There is no task yet." });
      expect(client.frames[1]).toEqual({ type: "error", message: "There is no task yet.", result: false });
    }
  });

  it("drops other frames silently", async () => {
    const client = await world.server.connect();
    for (const frame of ["", "{", "[]", "null", "7", '"text"', "{}", '{"type":"agent_info"}', '{"type":7}']) client.send(frame);
    client.ws.send(Buffer.from('{"type":"task_info","tasktoken":"unknown"}'), { binary: true });
    const { taskid, socketaccesstoken } = await world.run({ steps: 1 });
    client.follow(socketaccesstoken);
    await client.end(taskid);
    expect(types(client.frames)).toEqual(["connected", ...lifeOfOneStep]);
  });

  it("is found at /v1 only", async () => {
    for (const path of ["/", "/v2", "/v1x", "/v1/Task/Detail"]) {
      const answer = await fetchUpgrade(`${world.server.url}${path}`);
      expect(answer).toMatchObject({ status: 404, body: { result: false, errors: [{ message: "Error parsing url." }] } });
    }
    const client = await SocketClient.connect(`ws://127.0.0.1:${world.server.port}/v1/?x=1`);
    expect(client.frames[0]?.type).toBe("connected");
  });

  it("lets a request that merely offers HTTP/2 be answered as usual", async () => {
    const answer = await fetchUpgrade(`${world.server.url}/v1/Task/Detail`, {
      method: "POST",
      body: JSON.stringify({ taskid: "1" }),
      headers: { ...world.headers, connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABk" },
    });
    expect(answer).toMatchObject({ status: 200, body: { result: false, errors: [{ message: "There is no task yet." }] } });
  });
});
