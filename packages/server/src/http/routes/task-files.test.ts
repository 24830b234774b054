import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { LightMyRequestResponse } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { deleteOutputs } from "../../db/queries/deletions.ts";
import { deleteFiles } from "../../tasks/delete-files.ts";
import { publicUrl, startTestServer } from "../test-server.ts";
import type { TestServer } from "../test-server.ts";

interface Run {
  taskid: string;
  socketaccesstoken: string;
}

interface Output {
  url: string;
  name: string;
}

interface TaskAnswer {
  total: string;
  tasklist: { [field: string]: unknown; id: string; outputs: Output[] }[];
}

const deleteUrl = "/v1/Task/InputOutputDelete";
const done = { result: true, errors: [] };
const failure = (code: number, message: string) => ({ result: false, errors: [{ code, message, time: expect.any(Number) }] });
const noTask = failure(1, "task-not-exist");

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

async function newTask(as = server.mine, model = "atelier/starter"): Promise<Run> {
  return (await server.post(`/v1/Run/${model}`, { prompt: "two moons" }, as)).json<Run>();
}

async function setStatus(taskid: string, status: string): Promise<void> {
  await server.db.query(`update tasks set status = $2, pexit = '0', worker_id = null where id = $1`, [taskid, status]);
}

let drawn = 0;

/** An ended task with two pictures whose bytes are in the store. Returns their file keys. */
async function finish(taskid: string): Promise<string[]> {
  const keys: string[] = [];
  for (const position of [0, 1]) {
    drawn += 1;
    const folder = `${drawn.toString(16).padStart(8, "0")}-40bd7b83-a2e186c6-7f61f7da-3894e49c-fc0eeb66-9b500fe2-6a6af820`;
    const key = `${folder}/${position}.png`;
    await writeFile(join(server.folder, "picture"), "not really a picture");
    await server.files.put(key, join(server.folder, "picture"));
    await server.db.query(
      `insert into outputs (id, task_id, position, name, content_type, size_bytes, access_key, file_key)
       values ($1, $2, $3, $4, 'image/png', 20, right($1, 30), $5)`,
      [drawn.toString(16).padStart(32, "0"), taskid, position, `${position}.png`, key],
    );
    keys.push(key);
  }
  await setStatus(taskid, "task_postprocess_end");
  return keys;
}

async function list(body: object, as = server.mine): Promise<TaskAnswer> {
  return (await server.post("/v1/Task/List", body, as)).json<TaskAnswer>();
}

/** What an answer says, without the moment at which it was given. */
function said(response: LightMyRequestResponse): unknown {
  return { status: response.statusCode, body: response.body.replace(/"time":[0-9]+/, '"time":0') };
}

describe("POST /v1/Task/List", () => {
  it("lists the project's tasks, newest first, each as Detail shows it", async () => {
    const own = await startTestServer();
    const runs: Run[] = [];
    for (const model of ["atelier/starter", "arsmachina/baroque-space-opera-v1", "atelier/starter"]) {
      runs.push((await own.post(`/v1/Run/${model}`, { prompt: "moon" })).json<Run>());
    }
    await own.post("/v1/Run/atelier/starter", { prompt: "not mine" }, own.other);
    const ids = runs.map((run) => run.taskid);
    const ask = async (body: object): Promise<TaskAnswer> => (await own.post("/v1/Task/List", body)).json<TaskAnswer>();
    const shown = async (body: object): Promise<string[]> => (await ask(body)).tasklist.map((task) => task.id);

    const all = await ask({ type: "model", sort: "id", order: "DESC", start: "0", limit: "20" });
    expect(all).toMatchObject({ result: true, errors: [], total: "3" });
    expect(all.tasklist.map((task) => task.id)).toEqual(ids.toReversed());
    const detail = (await own.post("/v1/Task/Detail", { taskid: ids[2] })).json<TaskAnswer>();
    // Only Detail tells a waiting task's place in the queue.
    const place = { queueposition: "3", queueworkers: "0", estimatedstarttime: "", estimatederrorseconds: "" };
    expect({ ...all.tasklist[0], ...place }).toEqual({ ...detail.tasklist[0], ...place });
    expect(Object.keys(detail.tasklist[0] ?? {}).length).toBe(Object.keys(all.tasklist[0] ?? {}).length + Object.keys(place).length);

    expect(await shown({ order: "ASC" })).toEqual(ids);
    expect(await ask({ start: "1", limit: "1" })).toMatchObject({ total: "3", tasklist: [{ id: ids[1] }] });
    expect(await ask({ start: 3 })).toMatchObject({ result: true, total: "3", tasklist: [] });
    for (const modelName of ["arsmachina/baroque-space-opera-v1", "Baroque Space Opera", "baroque", "ArsMachina/"]) {
      expect(await ask({ modelName })).toMatchObject({ total: "1", tasklist: [{ id: ids[1] }] });
    }
    for (const modelName of ["%", "_", "nothing", "\0'; drop table tasks"]) {
      expect(await ask({ modelName })).toMatchObject({ result: true, total: "0", tasklist: [] });
    }
    await own.stop();
  });

  it("shows every task its own outputs, in order", async () => {
    const [one, two] = [await newTask(server.keyOnly), await newTask(server.keyOnly)];
    const keys = [await finish(one.taskid), await finish(two.taskid)];
    const { tasklist } = await list({ order: "ASC" }, server.keyOnly);
    const urls = tasklist.map((task) => task.outputs.map((output) => output.url));
    expect(urls).toEqual(keys.map((own) => own.map((key) => `${publicUrl}/outputs/${key}`)));
  });

  it("shows nothing of another project, whatever the body says", async () => {
    await newTask(server.mine);
    const body = { uuid: "any", projectid: server.mine.projectid, limit: "100" };
    expect(await list(body, server.other)).toMatchObject({ total: "0", tasklist: [] });
  });

  it("asks for a key", async () => {
    const response = await server.app.inject({ method: "POST", url: "/v1/Task/List", payload: "{}" });
    expect(response.statusCode).toBe(401);
  });
});

describe("POST /v1/Task/InputOutputDelete", () => {
  it.each(["taskid", "tasktoken", "socketaccesstoken"] as const)("deletes bytes and rows of the task named by %s", async (name) => {
    const run = await newTask();
    const keys = await finish(run.taskid);
    const body = { [name]: name === "taskid" ? run.taskid : run.socketaccesstoken };
    expect((await server.app.inject(`/outputs/${keys[0]}`)).statusCode).toBe(200);

    expect((await server.post(deleteUrl, body)).json()).toEqual(done);

    for (const key of keys) {
      expect(await server.files.open(key)).toBeUndefined();
      expect((await server.app.inject(`/outputs/${key}`)).statusCode).toBe(404);
    }
    const detail = (await server.post("/v1/Task/Detail", { taskid: run.taskid })).json<TaskAnswer>();
    expect(detail.tasklist[0]).toMatchObject({
      status: "task_postprocess_end", pexit: "0", outputfolderid: "0", outputs: [], size: "0",
      parameters: { prompt: "two moons" },
    });
    const { rows } = await server.db.query("select id from outputs where task_id = $1", [run.taskid]);
    expect(rows).toEqual([]);
  });

  it("may be asked again, and of a cancelled task that never had files", async () => {
    const run = await newTask();
    await finish(run.taskid);
    const cancelled = await newTask();
    await setStatus(cancelled.taskid, "task_cancel");
    for (const taskid of [run.taskid, run.taskid, cancelled.taskid]) {
      expect((await server.post(deleteUrl, { taskid })).json()).toEqual(done);
    }
  });

  it("leaves the files of other tasks alone", async () => {
    const [one, two] = [await newTask(), await newTask()];
    await finish(one.taskid);
    const [kept] = await finish(two.taskid);
    await server.post(deleteUrl, { taskid: one.taskid });
    expect((await server.app.inject(`/outputs/${kept}`)).statusCode).toBe(200);
  });

  it.each(["task_queue", "task_accept", "task_assign", "task_start", "task_output", "task_end", "task_postprocess_start"])(
    "refuses while the task is in %s, and changes nothing",
    async (status) => {
      const run = await newTask();
      await setStatus(run.taskid, status);
      expect((await server.post(deleteUrl, { taskid: run.taskid })).json()).toEqual(
        failure(1, "Task must be completed or cancelled before deleting files"),
      );
      const detail = (await server.post("/v1/Task/Detail", { taskid: run.taskid })).json<TaskAnswer>();
      expect(detail.tasklist[0]?.["outputfolderid"]).toMatch(/^[0-9a-f]{32}$/);
    },
  );

  it("the statement itself deletes nothing of a task that has not ended", async () => {
    const run = await newTask();
    const [key] = await finish(run.taskid);
    await setStatus(run.taskid, "task_start");
    expect(await deleteOutputs(server.db, run.taskid)).toBe(false);
    expect((await server.app.inject(`/outputs/${key}`)).statusCode).toBe(200);
  });

  it("answers for another project's task exactly what it answers for none, and deletes nothing", async () => {
    const run = await newTask();
    const [key] = await finish(run.taskid);
    const missing = said(await server.post(deleteUrl, { taskid: "999999999" }));
    expect((await server.post(deleteUrl, { taskid: "999999999" })).json()).toEqual(noTask);
    for (const stranger of [server.other, server.keyOnly]) {
      for (const body of [{ taskid: run.taskid }, { tasktoken: run.socketaccesstoken }, { socketaccesstoken: run.socketaccesstoken }]) {
        expect(said(await server.post(deleteUrl, body, stranger))).toEqual(missing);
      }
    }
    expect((await server.app.inject(`/outputs/${key}`)).statusCode).toBe(200);
  });

  it.each([
    [{}, failure(0, "taskid or socketaccesstoken is required")],
    [{ taskid: "x" }, noTask],
    [{ taskid: "99999999999999999999999" }, noTask],
    [{ tasktoken: "abc", socketaccesstoken: "def" }, noTask],
  ])("answers %j without HTTP errors", async (body, expected) => {
    const response = await server.post(deleteUrl, body);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual(expected);
  });

  it("asks for a key", async () => {
    const response = await server.app.inject({ method: "POST", url: deleteUrl, payload: "{}" });
    expect(response.statusCode).toBe(401);
  });

  it("keeps the rows when the bytes could not be removed, so that asking again removes the rest", async () => {
    const run = await newTask();
    const keys = await finish(run.taskid);
    const failing = { ...server.files, remove: () => Promise.reject(new Error("disk")) };
    const reference = { projectId: server.mine.projectid, id: run.taskid };
    await expect(deleteFiles({ db: server.db, files: failing }, reference)).rejects.toThrow("disk");
    expect((await server.app.inject(`/outputs/${keys[1]}`)).statusCode).toBe(200);
    expect((await server.post(deleteUrl, { taskid: run.taskid })).json()).toEqual(done);
    expect(await server.files.open(keys[1] ?? "")).toBeUndefined();
  });
});
