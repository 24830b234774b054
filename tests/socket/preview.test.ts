// Previews and lines of stderr on the socket: an extension for those who ask, and what an engine writes while it draws.

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Frame } from "./client.ts";
import { startWorld } from "./setup.ts";
import type { World } from "./setup.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.work(2);
});
afterAll(() => world.stop());

const ofType = (frames: readonly Frame[], type: string): Frame[] => frames.filter((frame) => frame.type === type);

describe("previews", () => {
  /** As long as a test needs; it is killed when the test has seen enough. */
  const long = { prompt: "stepMs=20", steps: 1_000 };

  it("come to a client that asks for them, and to nobody else on the same task", async () => {
    const { taskid, socketaccesstoken } = await world.run(long);
    const [asking, old] = [await world.server.connect(), await world.server.connect()];
    old.follow(socketaccesstoken);
    asking.follow(socketaccesstoken, { preview: true });
    await asking.until(() => ofType(asking.of(taskid), "task_preview").length > 1);
    await world.post("/v1/Task/Kill", { taskid });
    await Promise.all([asking.end(taskid), old.end(taskid)]);
    const [preview] = ofType(asking.of(taskid), "task_preview");
    expect(preview).toEqual({
      type: "task_preview",
      id: taskid,
      tasktoken: socketaccesstoken,
      message: { stepCurrent: expect.stringMatching(/^[0-9]+$/), stepTotal: "1000", image: expect.stringMatching(/^data:image\/png;base64,/) },
      result: true,
    });
    expect(ofType(old.of(taskid), "task_preview")).toEqual([]);
    expect(asking.of(taskid).filter(({ type }) => type !== "task_preview")).toEqual(old.of(taskid));
  });

  it("come from then on where a second subscription to the same task asks for them", async () => {
    const { taskid, socketaccesstoken } = await world.run(long);
    const client = await world.server.connect();
    client.follow(socketaccesstoken);
    await client.until(() => ofType(client.of(taskid), "task_output").length > 0);
    client.follow(socketaccesstoken, { preview: true });
    client.follow(socketaccesstoken, { preview: true });
    await client.until(() => ofType(client.of(taskid), "task_preview").length > 1);
    await world.post("/v1/Task/Kill", { taskid });
    await client.end(taskid);
    const steps = ofType(client.of(taskid), "task_preview").map(({ message }) => (message as { stepCurrent: string }).stepCurrent);
    expect(steps).toEqual([...new Set(steps)]);
    expect(ofType(client.of(taskid), "task_queue")).toHaveLength(1);
  });

  it("come from a task that another server's client asks for", async () => {
    const beside = await world.listenBeside();
    const client = await beside.connect();
    const { taskid, socketaccesstoken } = await world.run(long);
    client.follow(socketaccesstoken, { preview: true });
    await client.until(() => ofType(client.of(taskid), "task_preview").length > 0);
    await world.post("/v1/Task/Kill", { taskid });
    await client.end(taskid);
  });

  it("are stored nowhere, and nobody is shown one after the end", async () => {
    const { taskid, socketaccesstoken } = await world.run(long);
    const client = await world.server.connect();
    client.follow(socketaccesstoken, { preview: true });
    await client.until(() => ofType(client.of(taskid), "task_preview").length > 0);
    await world.post("/v1/Task/Kill", { taskid });
    await client.end(taskid);
    const { rows } = await world.db.query("select seq from task_events where task_id = $1 and (data ? 'preview' or length(data::text) > 500)", [taskid]);
    expect(rows).toEqual([]);
    const late = await world.server.connect();
    late.follow(socketaccesstoken, { preview: true });
    await late.end(taskid);
    expect(ofType(late.frames, "task_preview")).toEqual([]);
    expect(ofType(late.frames, "task_output").length).toBeGreaterThan(0);
  });
});

describe("an engine's stderr", () => {
  it("comes as task_error while the run goes on, without secrets, and closes with task_error_full; Detail keeps it", async () => {
    const client = await world.server.connect();
    const { taskid, socketaccesstoken } = await world.run({ prompt: "stepMs=5 printErrors=3", steps: 20 });
    client.follow(socketaccesstoken);
    expect(await client.end(taskid)).toMatchObject({ type: "task_postprocess_end", success: true, exitCode: 0 });
    const errors = ofType(client.of(taskid), "task_error");
    const rest = { id: taskid, tasktoken: socketaccesstoken, result: true, success: null, terminal: false, exitCode: null };
    expect(errors[0]).toEqual({ type: "task_error", message: expect.stringContaining("warning 1, api_key=[hidden]"), ...rest });
    const types = client.of(taskid).map(({ type }) => type);
    expect(types.slice(types.indexOf("task_output_full"))).toEqual([
      "task_output_full", "task_error_full", "task_end", "task_postprocess_start", "task_postprocess_end",
    ]);
    const detail = await world.detail(taskid);
    expect(detail["debugerror"]).toBe([1, 2, 3].map((line) => `warning ${line}, api_key=[hidden]\n`).join(""));
    expect(detail["debugoutput"]).toBe("seed 7\n");
    expect(detail["status"]).toBe("task_postprocess_end");
  });

  it("gives only the second frame of one event its number, so that whoever has the first alone gets both again", async () => {
    const { taskid, socketaccesstoken } = await world.run({ prompt: "printErrors=1 stepMs=5", steps: 20 });
    const client = await world.server.connect();
    client.follow(socketaccesstoken, { afterseq: 0 });
    await client.end(taskid);
    const frames = client.of(taskid);
    const at = frames.findIndex(({ type }) => type === "task_output_full");
    expect(frames.slice(at, at + 2)).toEqual([
      expect.not.objectContaining({ seq: expect.anything() }),
      expect.objectContaining({ type: "task_error_full", seq: expect.any(Number) }),
    ]);
    const numbers = frames.flatMap(({ seq }) => (typeof seq === "number" ? [seq] : []));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));

    const again = await world.server.connect();
    again.follow(socketaccesstoken, { afterseq: frames[at - 1]?.["seq"] });
    await again.end(taskid);
    expect(again.of(taskid)).toEqual(frames.slice(at));
  });

  it("is told to whoever comes late as it was told at the time", async () => {
    const { taskid, socketaccesstoken } = await world.run({ prompt: "printErrors=1 stepMs=5", steps: 20 });
    const early = await world.server.connect();
    early.follow(socketaccesstoken);
    await early.end(taskid);
    const late = await world.server.connect();
    late.follow(socketaccesstoken);
    await late.end(taskid);
    expect(late.of(taskid)).toEqual(early.of(taskid));
    expect(ofType(late.frames, "task_error_full")).toHaveLength(1);
  });

  it("is no status: no task is ever in task_error, whatever its engine writes and however it ends", async () => {
    const client = await world.server.connect();
    const { taskid, socketaccesstoken } = await world.run({ prompt: "printErrors=3 stepMs=20", steps: 50 });
    client.follow(socketaccesstoken);
    await client.until(() => ofType(client.of(taskid), "task_error").length > 0);
    expect((await world.detail(taskid))["status"]).toBe("task_output");
    await client.end(taskid);
    const failing = await world.run({ prompt: "printErrors=3 fail", steps: 1 });
    client.follow(failing.socketaccesstoken);
    expect(await client.end(failing.taskid)).toMatchObject({ type: "task_postprocess_end", exitCode: 1 });
    const { rows } = await world.db.query<{ status: string }>("select status from tasks union select type from task_events");
    expect(rows.map(({ status }) => status)).toContain("task_postprocess_end");
    expect(rows.filter(({ status }) => status.startsWith("task_error"))).toEqual([]);
  });

  it("is no frame of a run that wrote none", async () => {
    const client = await world.server.connect();
    const { taskid, socketaccesstoken } = await world.run({ steps: 1 });
    client.follow(socketaccesstoken);
    await client.end(taskid);
    expect(client.of(taskid).filter(({ type }) => type.startsWith("task_error"))).toEqual([]);
  });

  it("leaves a failed run its reason first, and what the engine wrote behind it", async () => {
    const client = await world.server.connect();
    const { taskid, socketaccesstoken } = await world.run({ prompt: "printErrors=2 fail stepMs=20", steps: 3 });
    client.follow(socketaccesstoken);
    expect(await client.end(taskid)).toMatchObject({ message: [], success: false, exitCode: 1 });
    expect((await world.detail(taskid))["debugerror"]).toBe("FAKE: asked to fail\nwarning 1, api_key=[hidden]\nwarning 2, api_key=[hidden]");
  });
});
