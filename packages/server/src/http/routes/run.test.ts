import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { signedHeaders, startTestServer } from "../test-server.ts";
import type { TestServer } from "../test-server.ts";

const runUrl = "/v1/Run/arsmachina/baroque-space-opera-v1";

/** The body of the seed page's Run command. */
const seedBody = {
  prompt: "Sci-Fi Baroque Couture Pulp, Portrait",
  samples: 1,
  steps: 30,
  scale: "7.5",
  seed: "64803343",
  width: 1024,
  height: 1024,
  callbackUrl:
    "You can provide a callback URL; Wiro will send a POST request to it when the task is completed.",
};

describe("POST /v1/Run", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.stop());

  const countTasks = async (): Promise<number> =>
    (await server.db.query<{ count: number }>("select count(*)::int as count from tasks")).rows[0]?.count ?? -1;

  async function storedTask(taskid: string): Promise<Record<string, unknown> | undefined> {
    const { rows } = await server.db.query<Record<string, unknown>>("select * from tasks where id = $1", [taskid]);
    return rows[0];
  }

  async function expectFailure(url: string, body: object, error: { code: number; message: string }): Promise<void> {
    const before = await countTasks();
    const response = await server.post(url, body);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ result: false, errors: [{ ...error, time: expect.any(Number) }] });
    expect(await countTasks()).toBe(before);
  }

  it("answers the seed's own body with a task id and a token, and has the task on disk", async () => {
    const response = await server.post(runUrl, seedBody);
    expect(response.statusCode).toBe(200);
    expect(response.headers["content-type"]).toBe("application/json; charset=utf-8");
    const answer = response.json<{ taskid: string }>();
    expect(answer).toEqual({
      errors: [],
      taskid: expect.stringMatching(/^[0-9]+$/),
      socketaccesstoken: expect.stringMatching(/^(?=.*[A-Za-z])[A-Za-z0-9]{30}$/),
      result: true,
    });
    const { callbackUrl, ...parameters } = seedBody;
    expect(await storedTask(answer.taskid)).toMatchObject({
      project_id: server.mine.projectid,
      model: "arsmachina/baroque-space-opera-v1",
      status: "task_queue",
      parameters,
      input: { prompt: seedBody.prompt, samples: 1, steps: 30, scale: 7.5, seed: 64803343, width: 1024, height: 1024 },
      callback_url: callbackUrl,
      cps: "0.000585000000",
    });
  });

  it.each([
    "/v1/Run/ArsMachina/Baroque-Space-Opera-v1",
    "/v1/Run/ARSMACHINA/Baroque%20Space%20Opera%20v1",
    "/v1/Run/%20arsmachina/baroque-space-opera-v1%20",
  ])("finds the model as %s", async (url) => {
    expect((await server.post(url, {})).json()).toMatchObject({ result: true });
  });

  it.each(["/v1/Run/arsmachina/nothing", "/v1/Run/nobody/baroque-space-opera-v1", "/v1/Run/a%2Fb/__proto__"])(
    "knows no model at %s",
    async (url) => {
      await expectFailure(url, {}, { code: 1, message: "slug-owner-project-not-exist" });
    },
  );

  it.each([
    [{ steps: 151 }, "Request parameter [steps] must be between 1 and 150"],
    [{ steps: -1 }, "Request parameter [steps] must be between 1 and 150"],
    [{ scale: 30.5 }, "Request parameter [scale] must be between 0 and 30"],
    [{ samples: "9" }, "Request parameter [samples] must be between 1 and 8"],
    [{ width: 63 }, "Request parameter [width] must be between 64 and 2048"],
    [{ height: 2049 }, "Request parameter [height] must be between 64 and 2048"],
    [{ seed: "4294967296" }, "Request parameter [seed] must be between 0 and 4294967295"],
    [{ steps: "many" }, "Request parameter [steps] must be integer or float"],
    [{ prompt: { text: "x" } }, "Request parameters are invalid."],
    [{ prompt: "nul\0" }, "Request parameters are invalid."],
    [{ prompt: "x".repeat(20_001) }, "Request parameters are invalid."],
  ])("refuses %j and writes nothing", async (body, message) => {
    await expectFailure(runUrl, body, { code: 0, message });
  });

  it("takes untouched form fields (empty or zero) as not given, the seed among them", async () => {
    const body = { prompt: "", samples: 0, steps: 0, scale: "", seed: "", width: 0, height: "0", selectedModel: "" };
    const answer = (await server.post(runUrl, body)).json<{ taskid: string }>();
    const task = await storedTask(answer.taskid);
    const input = task?.["input"] as Record<string, unknown>;
    expect(input).toMatchObject({ prompt: seedBody.prompt, samples: 1, steps: 30, scale: 7.5, seed: 64803343, width: 1024, height: 1024 });
    expect(task?.["parameters"]).toMatchObject({ seed: "64803343" });
  });

  it("draws another seed each time that -1 asks for one", async () => {
    const seeds = await Promise.all(
      ["-1", -1, "-1"].map(async (sent) => {
        const answer = (await server.post(runUrl, { seed: sent })).json<{ taskid: string }>();
        const task = await storedTask(answer.taskid);
        const seed = (task?.["input"] as { seed: number } | undefined)?.seed;
        expect(seed).toSatisfy((drawn: number) => Number.isInteger(drawn) && drawn >= 0 && drawn < 2 ** 32);
        expect(task?.["parameters"]).toMatchObject({ seed: String(seed) });
        return seed;
      }),
    );
    expect(new Set(seeds).size).toBe(3);
  });

  it.each([
    ["JSON under a multipart label", "multipart/form-data", '{ "steps": 12 }'],
    ["JSON under a form label", "application/x-www-form-urlencoded", '{ "steps": 12 }'],
    ["a form", "application/x-www-form-urlencoded", "steps=12&prompt=two+moons"],
    [
      "real multipart",
      "multipart/form-data; boundary=b",
      '--b\r\nContent-Disposition: form-data; name="steps"\r\n\r\n12\r\n--b--\r\n',
    ],
  ])("reads %s", async (_name, contentType, payload) => {
    const headers = { ...signedHeaders(server.mine), "content-type": contentType };
    const answer = (await server.app.inject({ method: "POST", url: runUrl, headers, payload })).json<{ taskid: string }>();
    expect(await storedTask(answer.taskid)).toMatchObject({ input: { steps: 12 } });
  });

  it.each(["not a url", "", 42, null, { a: 1 }, "javascript:alert(1)", "nul\0 and half \ud83d", "x".repeat(10_000)])(
    "runs whatever callbackUrl is (%j)",
    async (callbackUrl) => {
      expect((await server.post(runUrl, { callbackUrl })).json()).toMatchObject({ result: true });
    },
  );

  it("keeps the reserved keys out of the parameters, shows the callback beside them, and bills the named project", async () => {
    const callbackUrl = "https://receiver.example/hook?order=17";
    const { taskid } = (await server.post(runUrl, { prompt: "a moon", callbackUrl, projectid: server.mine.projectid })).json<{ taskid: string }>();
    const stored = await storedTask(taskid);
    expect(stored).toMatchObject({ project_id: server.mine.projectid, callback_url: callbackUrl, parameters: { prompt: "a moon" } });
    for (const values of [stored?.["parameters"], stored?.["input"]]) {
      expect(values).not.toHaveProperty("callbackUrl");
      expect(values).not.toHaveProperty("projectid");
    }
    const { tasklist } = (await server.post("/v1/Task/Detail", { taskid })).json<{ tasklist: [object] }>();
    expect(tasklist[0]).toMatchObject({ callbackurl: callbackUrl });
  });

  it("bills no other project", async () => {
    expect((await server.post(runUrl, { projectid: server.mine.projectid })).json()).toMatchObject({ result: true });
    expect((await server.post(runUrl, { projectid: "" })).json()).toMatchObject({ result: true });
    const refused = { code: 0, message: "You don't have any permission for this action." };
    await expectFailure(runUrl, { projectid: server.other.projectid }, refused);
    await expectFailure(runUrl, { projectid: ["1", "2"] }, refused);
    await expectFailure(runUrl, { projectid: { toString: true } }, refused);
  });

  it("refuses strangers before it looks at the model or the body", async () => {
    const response = await server.app.inject({ method: "POST", url: "/v1/Run/no/model", payload: "{broken" });
    expect(response.statusCode).toBe(401);
    expect(response.json()).toEqual({
      result: false,
      errors: [{ code: 0, message: "Project authorization is not founded.", time: expect.any(Number) }],
    });
  });

  it("asks signature projects for a signature, and names a wrong one", async () => {
    const bare = { "x-api-key": server.mine.apikey };
    const missing = await server.app.inject({ method: "POST", url: runUrl, headers: bare, payload: "{}" });
    expect(missing.statusCode).toBe(401);
    expect(missing.json()).toMatchObject({
      errors: [
        {
          code: 0,
          message: "Project requires signature authentication. x-signature and x-nonce headers are required.",
        },
      ],
    });
    const headers = { ...signedHeaders(server.other), ...bare };
    const wrong = await server.app.inject({ method: "POST", url: runUrl, headers, payload: "{}" });
    expect(wrong.statusCode).toBe(401);
    expect(wrong.json()).toMatchObject({ errors: [{ code: 0, message: "Project authorization is not valid." }] });
  });

  it("accepts a key-only project by its key", async () => {
    expect((await server.post(runUrl, {}, server.keyOnly)).json()).toMatchObject({ result: true });
  });
});
