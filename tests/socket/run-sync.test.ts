import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startWorld } from "./setup.ts";
import type { Listening, Started, World } from "./setup.ts";

const path = "/v1/Run/test/fake/sync";

interface StreamEvent {
  readonly name: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

describe("Run/sync", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    await world.work(2);
  });
  afterAll(() => world.stop());

  it("answers with the ended task as Detail shows it", async () => {
    const answer = await hold(world.server, { steps: 2 });
    expect(answer.status).toBe(200);
    const body = (await answer.json()) as { tasklist: Record<string, unknown>[] };
    const task = body.tasklist[0] ?? {};
    expect(body).toEqual({ result: true, errors: [], total: "1", tasklist: [await world.detail(String(task["id"]))] });
    expect(task).toMatchObject({ status: "task_postprocess_end", pexit: "0", outputs: [expect.objectContaining({ name: "0.png" })] });
  });

  it("answers with a failed task in the same form", async () => {
    const answer = (await (await hold(world.server, { prompt: "fail", steps: 1 })).json()) as Record<string, unknown>;
    expect(answer).toMatchObject({ result: true, tasklist: [{ status: "task_postprocess_end", pexit: "1", outputs: [] }] });
  });

  it("refuses what Run refuses, before it creates a task", async () => {
    const before = await countTasks();
    const wrong = await (await hold(world.server, { steps: 0.5 })).json();
    const time = expect.any(Number);
    // The two answers may fall into different seconds.
    const { errors } = (await world.post("/v1/Run/test/fake", { steps: 0.5 })) as { errors: object[] };
    expect(wrong).toEqual({ result: false, errors: errors.map((error) => ({ ...error, time })) });
    const unknown = await fetch(`${world.server.url}/v1/Run/test/none/sync?stream=true`, { method: "POST", headers: world.headers });
    expect(await unknown.json()).toMatchObject({ result: false, errors: [{ code: 1 }] });
    const stranger = await fetch(world.server.url + path, { method: "POST", headers: { "x-api-key": "unknown" }, body: "{}" });
    expect(stranger.status).toBe(401);
    expect(await countTasks()).toBe(before);
  });

  it("streams start, every event and done, where the query or the Accept header asks for it", async () => {
    const byQuery = await streamOf(await hold(world.server, { steps: 1 }, { query: "?stream=true" }));
    const byHeader = await streamOf(await hold(world.server, { steps: 1 }, { accept: "text/event-stream" }));
    for (const { text, events, started } of [byQuery, byHeader]) {
      expect(text).not.toContain("[DONE]");
      const end = await world.detail(started.taskid);
      expect(events[0]).toMatchObject({ name: "start", data: { result: true, id: started.taskid, socketaccesstoken: end["socketaccesstoken"] } });
      expect(events.at(-1)).toMatchObject({ name: "done", data: { result: true, errors: [], total: "1", tasklist: [end] } });
      const middle = events.slice(1, -1);
      expect(middle.every(({ name, data }) => name === "task_output" && data["id"] === started.taskid && data["pexit"] === "")).toBe(true);
      expect(middle.map(({ id }) => id)).toEqual(middle.map((_, at) => String(at + 1)));
      expect(middle.map(({ data }) => data["status"])).toContain("task_postprocess_start");
      expect(middle.find(({ data }) => data["status"] === "task_output")?.data["message"]).toMatchObject({ type: "progressGenerate" });
    }
  });

  it("shows a line of stderr under the task's own status, never as a status", async () => {
    const { events } = await streamOf(await hold(world.server, { prompt: "printErrors=1 stepMs=5", steps: 20 }, { query: "?stream=true" }));
    const line = events.find(({ data }) => data["type"] === "task_error");
    expect(line?.data).toMatchObject({ status: "task_output", message: expect.stringContaining("warning 1") });
    expect(events.filter(({ data }) => /error/.test(String(data["status"])))).toEqual([]);
    const closing = events.filter(({ data }) => data["status"] === "task_output_full");
    expect(closing.map(({ id, data }) => [data["type"], id === undefined])).toEqual([["task_output_full", true], ["task_error_full", false]]);
  });

  describe("while nobody works", () => {
    let idle: World;
    beforeAll(async () => {
      idle = await startWorld();
    });
    afterAll(() => idle.stop());

    it("fills the silence of a stream with comments", async () => {
      const server = await idle.listenHolding({ syncKeepAliveMs: 10 });
      const leaving = new AbortController();
      const answer = await hold(server, {}, { query: "?stream=true", world: idle, signal: leaving.signal });
      let text = "";
      for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += chunk;
        if (text.includes("\n\n: keep-alive\n\n")) break;
      }
      expect(text).toContain(": keep-alive");
      leaving.abort();
    });

    it("gives up after its time with 504 and both names of the task, which goes on", async () => {
      const server = await idle.listenHolding({ syncWaitMs: 100 });
      const answer = await hold(server, {}, { world: idle });
      expect(answer.status).toBe(504);
      const body = (await answer.json()) as Started;
      expect(body).toMatchObject({ result: false, errors: [{ code: 0, message: expect.stringContaining("not ended") }] });
      expect(await idle.detail(body.taskid)).toMatchObject({ status: "task_queue", socketaccesstoken: body.socketaccesstoken });

      const { events, started } = await streamOf(await hold(server, {}, { world: idle, query: "?stream=true" }));
      const { taskid, socketaccesstoken } = started;
      expect(events.at(-1)).toMatchObject({ name: "error", data: { result: false, taskid, socketaccesstoken } });
    });

    it("holds no more requests than its limit, and creates no task for another, until a client leaves", async () => {
      const server = await idle.listenHolding({ syncRequests: 1 });
      const leaving = new AbortController();
      const first = await hold(server, {}, { query: "?stream=true", world: idle, signal: leaving.signal });
      const { rows } = await idle.db.query<{ id: string }>("select max(id) as id from tasks");
      const refused = await hold(server, {}, { world: idle });
      expect(refused.status).toBe(503);
      expect((await idle.db.query<{ id: string }>("select max(id) as id from tasks")).rows).toEqual(rows);

      leaving.abort();
      await first.text().catch(() => "");
      let next: Response;
      const enough = new AbortController();
      do {
        next = await hold(server, {}, { query: "?stream=true", world: idle, signal: enough.signal });
        if (next.status !== 200) await next.text();
      } while (next.status !== 200);
      enough.abort();
      expect(await idle.detail(String(rows[0]?.id))).toMatchObject({ status: "task_queue" });
    });

    it("answers what it holds when the server stops", async () => {
      const server = await idle.listenHolding({});
      const next = await nextTask(idle);
      const answer = hold(server, {}, { world: idle });
      const taskid = await next.created;
      await server.app.close();
      expect((await answer).status).toBe(504);
      expect(await idle.detail(taskid)).toMatchObject({ status: "task_queue" });
    });
  });

  async function countTasks(): Promise<number> {
    const { rows } = await world.db.query<{ count: number }>("select count(*)::int as count from tasks");
    return rows[0]?.count ?? -1;
  }

  function hold(
    server: Listening,
    body: object,
    options: { query?: string; accept?: string; world?: World; signal?: AbortSignal } = {},
  ): Promise<Response> {
    const { query = "", accept = "*/*", signal = null } = options;
    const headers = { ...(options.world ?? world).headers, accept };
    return fetch(server.url + path + query, { method: "POST", headers, body: JSON.stringify(body), signal });
  }
});

/** Listens for the next task; `created` is its id, once it is there. */
async function nextTask(world: World): Promise<{ created: Promise<string> }> {
  let tell: (id: string) => void = () => undefined;
  const created = new Promise<string>((resolve) => (tell = resolve));
  const { rows } = await world.db.query<{ id: string }>("select coalesce(max(id), 0) as id from tasks");
  const look = async (): Promise<void> => {
    const found = await world.db.query<{ id: string }>("select id from tasks where id > $1", [rows[0]?.id]);
    const id = found.rows[0]?.id;
    if (id !== undefined) tell(id);
  };
  await world.db.listen("atelier_queue", () => void look(), () => void look());
  return { created };
}

/** Reads a stream to its end. */
async function streamOf(answer: Response): Promise<{ text: string; events: StreamEvent[]; started: Started }> {
  expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const text = await answer.text();
  const blocks = text.split("\n\n").filter((block) => block !== "" && !block.startsWith(":"));
  const field = (block: string, name: string): string | undefined => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
  const events = blocks.map((block) => ({
    name: field(block, "event") ?? "",
    id: field(block, "id"),
    data: JSON.parse(field(block, "data") ?? "") as Record<string, unknown>,
  }));
  // The first event is `start`; the tests check it.
  return { text, events, started: (events[0]?.data ?? {}) as unknown as Started };
}
