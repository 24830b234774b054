import type { LightMyRequestResponse } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { publicUrl, startTestServer } from "../test-server.ts";
import type { TestServer } from "../test-server.ts";

interface RunAnswer {
  taskid: string;
  socketaccesstoken: string;
}

interface TaskAnswer {
  tasklist: Record<string, unknown>[];
}

const identifierNames = ["taskid", "tasktoken", "socketaccesstoken"] as const;
const endpoints = ["/v1/Task/Detail", "/v1/Task/Cancel", "/v1/Task/Kill"] as const;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

async function newTask(as = server.mine): Promise<RunAnswer> {
  return (await server.post("/v1/Run/atelier/starter", { prompt: "two moons" }, as)).json<RunAnswer>();
}

/** Puts the task into a worker's hands, without a worker. */
async function lease(taskid: string): Promise<void> {
  await server.db.query(
    `update tasks set status = 'task_start', attempt = 1, worker_id = 'w', lease_expires_at = now() + interval '1 hour',
            accepted_at = now(), started_at = now() where id = $1`,
    [taskid],
  );
}

/** What an answer says, without the moment at which it was given. */
function said(response: LightMyRequestResponse): unknown {
  return { status: response.statusCode, body: response.body.replace(/"time":[0-9]+/, '"time":0') };
}

const failure = (code: number, message: string) => ({ result: false, errors: [{ code, message, time: expect.any(Number) }] });
const noTask = failure(1, "There is no task yet.");

describe("POST /v1/Task/Detail", () => {
  it.each(identifierNames)("finds a task by %s", async (name) => {
    const task = await newTask();
    const body = { [name]: name === "taskid" ? task.taskid : task.socketaccesstoken };
    const answer = (await server.post("/v1/Task/Detail", body)).json<TaskAnswer>();
    expect(answer).toMatchObject({ total: "1", errors: [], result: true });
    expect(answer.tasklist).toHaveLength(1);
    expect(answer.tasklist[0]).toMatchObject({
      id: task.taskid,
      socketaccesstoken: task.socketaccesstoken,
      status: "task_queue",
      parameters: { prompt: "two moons", seed: "64803343" },
      createtime: expect.stringMatching(/^[1-9][0-9]{9}$/),
      starttime: "0",
      elapsedseconds: "0.0000",
      cps: "0.000585000000",
      totalcost: "0",
      pexit: "",
      projectid: server.mine.projectid,
      modelslugowner: "atelier",
      modelslugproject: "starter",
      categories: expect.stringMatching(/^\["model",/),
      outputs: [],
      size: "0",
    });
  });

  it("takes several identifiers when they name one task, and finds nothing when they do not", async () => {
    const [one, two] = [await newTask(), await newTask()];
    const both = { taskid: one.taskid, tasktoken: one.socketaccesstoken, socketaccesstoken: one.socketaccesstoken };
    expect((await server.post("/v1/Task/Detail", both)).json()).toMatchObject({ result: true });
    const mixed = { taskid: one.taskid, tasktoken: two.socketaccesstoken };
    expect((await server.post("/v1/Task/Detail", mixed)).json()).toEqual(noTask);
    const tokens = { tasktoken: one.socketaccesstoken, socketaccesstoken: two.socketaccesstoken };
    expect((await server.post("/v1/Task/Detail", tokens)).json()).toEqual(noTask);
  });

  it("takes a numeric id, and an identifier beside empty ones", async () => {
    const task = await newTask();
    const body = { taskid: Number(task.taskid), tasktoken: "", socketaccesstoken: null };
    expect((await server.post("/v1/Task/Detail", body)).json()).toMatchObject({ result: true });
  });

  it("shows a finished task with its output at an absolute address", async () => {
    const task = await newTask();
    const fileKey = "6a6af820-c5050aee-40bd7b83-a2e186c6-7f61f7da-3894e49c-fc0eeb66-9b500fe2/0.png";
    await server.db.query(
      `insert into outputs (id, task_id, position, name, content_type, size_bytes, access_key, file_key)
       values ('6bc392c93856dfce3a7d1b4261e15af3', $1, 0, '0.png', 'image/png', 202472, 'dFKlMApaSgMeHKsJyaDeKrefcHahUK', $2)`,
      [task.taskid, fileKey],
    );
    const answer = (await server.post("/v1/Task/Detail", { taskid: task.taskid })).json<TaskAnswer>();
    expect(answer.tasklist[0]).toMatchObject({
      outputs: [{ name: "0.png", contenttype: "image/png", size: "202472", url: `${publicUrl}/outputs/${fileKey}` }],
      size: "202472",
    });
  });
});

describe.each(endpoints)("POST %s with a bad identifier", (url) => {
  it.each([{}, { taskid: "" }, { taskid: null, tasktoken: "" }, { other: "1" }])("%j names no task", async (body) => {
    const response = await server.post(url, body);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual(failure(0, "taskid or socketaccesstoken is required"));
  });

  it.each([
    { taskid: "999999999" },
    { taskid: "-1" },
    { taskid: "1e3" },
    { taskid: "9223372036854775808" },
    { taskid: "9".repeat(400) },
    { taskid: "1; drop table tasks" },
    { taskid: 1.5 },
    { taskid: { a: 1 } },
    { taskid: ["1", "2"] },
    { taskid: true },
    { tasktoken: "test" },
    { tasktoken: "nul\0" },
    { tasktoken: "\ud83d" },
    { socketaccesstoken: "%" },
    { socketaccesstoken: "x".repeat(100_000) },
  ])("%j is a task that does not exist", async (body) => {
    const response = await server.post(url, body);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual(noTask);
  });
});

describe.each(endpoints)("POST %s for another project's task", (url) => {
  it.each(identifierNames)("answers by %s exactly as for a missing task, and changes nothing", async (name) => {
    const theirs = await newTask(server.other);
    if (url === "/v1/Task/Kill") await lease(theirs.taskid);
    const statusOf = async (): Promise<unknown> =>
      (await server.db.query("select status, pexit from tasks where id = $1", [theirs.taskid])).rows[0];
    const before = await statusOf();
    const foreign = await server.post(url, { [name]: name === "taskid" ? theirs.taskid : theirs.socketaccesstoken });
    const missing = await server.post(url, { [name]: name === "taskid" ? "888888888" : "A".repeat(30) });
    expect(said(foreign)).toEqual(said(missing));
    expect(foreign.json()).toEqual(noTask);
    expect(await statusOf()).toEqual(before);
  });

  it("does not combine its own id with a foreign token", async () => {
    const [own, theirs] = [await newTask(), await newTask(server.other)];
    const body = { taskid: own.taskid, tasktoken: theirs.socketaccesstoken };
    expect((await server.post(url, body)).json()).toEqual(noTask);
  });

  it("asks for authentication first", async () => {
    const own = await newTask();
    const response = await server.app.inject({ method: "POST", url, payload: JSON.stringify({ taskid: own.taskid }) });
    expect(response.statusCode).toBe(401);
  });
});

describe("POST /v1/Task/Cancel", () => {
  it.each(identifierNames)("cancels a waiting task by %s", async (name) => {
    const task = await newTask();
    const body = { [name]: name === "taskid" ? task.taskid : task.socketaccesstoken };
    const answer = (await server.post("/v1/Task/Cancel", body)).json<TaskAnswer>();
    expect(answer).toMatchObject({ errors: [], result: true });
    expect(answer).not.toHaveProperty("total");
    expect(answer.tasklist[0]).toMatchObject({ id: task.taskid, status: "task_cancel", totalcost: "0", outputs: [] });
    expect(answer.tasklist[0]?.["canceltime"]).not.toBe("0");
    const detail = (await server.post("/v1/Task/Detail", { taskid: task.taskid })).json<TaskAnswer>();
    expect(detail.tasklist[0]).toEqual(answer.tasklist[0]);
  });

  it("cancels neither a running nor an ended task, each with the same text", async () => {
    const task = await newTask();
    await lease(task.taskid);
    const refused = failure(1, "Task is not in a cancellable state.");
    expect((await server.post("/v1/Task/Cancel", { taskid: task.taskid })).json()).toEqual(refused);
    await server.post("/v1/Task/Kill", { taskid: task.taskid });
    expect((await server.post("/v1/Task/Cancel", { taskid: task.taskid })).json()).toEqual(refused);
  });
});

describe("POST /v1/Task/Kill", () => {
  it.each(identifierNames)("kills a running task by %s", async (name) => {
    const task = await newTask();
    await lease(task.taskid);
    const body = { [name]: name === "taskid" ? task.taskid : task.socketaccesstoken };
    const answer = (await server.post("/v1/Task/Kill", body)).json<TaskAnswer>();
    expect(answer).toMatchObject({ errors: [], result: true });
    expect(answer).not.toHaveProperty("total");
    expect(answer.tasklist[0]).toMatchObject({
      status: "task_cancel",
      pexit: "137",
      totalcost: "0",
      outputs: [],
      size: "0",
    });
  });

  it("kills neither a waiting nor an ended task, and says why", async () => {
    const task = await newTask();
    const text = /^Task could not be killed: .+/;
    const refused = failure(1, expect.stringMatching(text) as unknown as string);
    expect((await server.post("/v1/Task/Kill", { taskid: task.taskid })).json()).toEqual(refused);
    await server.post("/v1/Task/Cancel", { taskid: task.taskid });
    expect((await server.post("/v1/Task/Kill", { taskid: task.taskid })).json()).toEqual(refused);
  });
});
