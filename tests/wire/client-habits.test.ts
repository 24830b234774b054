import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { signedHeaders, startTestServer } from "../../packages/server/src/http/test-server.ts";
import type { TestServer } from "../../packages/server/src/http/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

async function ask(url: string, payload: string, headers: Record<string, string>): Promise<{ status: number; body: unknown }> {
  const response = await server.app.inject({ method: "POST", url, headers, payload });
  return { status: response.statusCode, body: response.json() };
}

/** Of two refusals in different seconds. */
function withoutTime({ status, body }: { status: number; body: unknown }): object {
  const { errors = [], ...rest } = body as { errors?: { time?: number }[] };
  return { status, body: { ...rest, errors: errors.map(({ time: _time, ...error }) => error) } };
}

describe("small habits of clients", () => {
  it("a right key and a made-up token are HTTP 200, a wrong key is 401", async () => {
    const test = (key: string) => ask("/v1/Task/Detail", '{"tasktoken":"test"}', { "x-api-key": key, "content-type": "application/json" });
    expect(await test(server.keyOnly.apikey)).toMatchObject({ status: 200, body: { result: false, errors: [{ code: 1 }] } });
    expect(await test("no-such-key")).toMatchObject({ status: 401, body: { result: false, errors: [{ code: 0 }] } });
  });

  it("headers of a forwarding MCP server change nothing", async () => {
    const forwarded = {
      "x-wiro-proxy-client-ip": "203.0.113.5",
      "x-wiro-proxy-timestamp": "1734513807123",
      "x-wiro-proxy-signature": "0".repeat(64),
    };
    expect(await ask("/v1/Task/List", "{}", { ...signedHeaders(server.mine), ...forwarded })).toMatchObject({ status: 200, body: { result: true } });
    expect(await ask("/v1/Task/List", "{}", forwarded)).toMatchObject({ status: 401 });
  });

  it("every refusal under /v1 is one JSON object", async () => {
    const signed = signedHeaders(server.mine);
    const requests: [string, string, Record<string, string>, number][] = [
      ["/v1/Run/atelier/starter", "[1]", signed, 200],
      ["/v1/Run/atelier/starter", '"text"', { ...signed, "content-type": "application/json" }, 200],
      ["/v1/Task/Kill", "{", signed, 200],
      ["/v1/Task/Nothing", "{}", signed, 404],
      ["/v1/Task/Detail", "{}", {}, 401],
    ];
    for (const [url, payload, headers, status] of requests) {
      const answer = await ask(url, payload, headers);
      const errors = [{ code: 0, message: expect.any(String), time: expect.any(Number) }];
      expect(answer, `${url} ${payload}`).toEqual({ status, body: { result: false, errors } });
    }
  });

  it("every POST endpoint under /v1 but File/Upload reads JSON under any label, and says of broken JSON the same", async () => {
    const document = (await server.app.inject("/openapi.json")).json<{ paths: Record<string, object> }>();
    const urls = Object.keys(document.paths).filter((path) => path.startsWith("/v1/") && "post" in (document.paths[path] ?? {}) && !/Upload|Worker/.test(path));
    expect(urls.length).toBeGreaterThan(15);
    const labels = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x", "text/plain"];
    // Each model has one of these numbers, and nobody has what the ids name: a body that is read is refused in words of its own.
    const noNumbers = { steps: "x", factor: "x", columns: "x", image: "https://a.example/a.png", pictures: "https://a.example/a.png" };
    const body = JSON.stringify({ ...noNumbers, taskid: "999999", deliveryid: "999999", name: "", slugowner: "no", slugproject: "model" });
    for (const url of urls.map((path) => path.replace("{owner}", "atelier").replace("{model}", "starter"))) {
      const answers = await Promise.all(
        labels.map(async (label) => {
          const headers = { ...signedHeaders(server.mine), "content-type": label };
          return { read: withoutTime(await ask(url, body, headers)), broken: withoutTime(await ask(url, `${body.slice(0, -1)},`, headers)) };
        }),
      );
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size, url).toBe(1);
      const invalid = { status: 200, body: { result: false, errors: [{ code: 0, message: "Request parameters are invalid." }] } };
      expect(answers[0]?.broken, url).toEqual(invalid);
      expect(answers[0]?.read, url).not.toEqual(invalid);
      if (!url.startsWith("/v1/Run/")) continue;
      const message = expect.stringMatching(/^Request parameter \[(steps|factor|columns)\] must be integer or float$/);
      expect(answers[0]?.read, url).toEqual({ status: 200, body: { result: false, errors: [{ code: 0, message }] } });
    }
  });

  it.each(["Task/Stat", "Project/List", "Project/UsageSummary", "Wallet/List", "Wallet/TransactionList", "Tool/DetailOpenAPI"])(
    "an endpoint that no source specifies is an unknown route, not a made-up answer: %s",
    async (name) => {
      const answer = withoutTime(await ask(`/v1/${name}`, "{}", signedHeaders(server.mine)));
      expect(answer).toEqual({ status: 404, body: { result: false, errors: [{ code: 0, message: "Error parsing url." }] } });
    },
  );

  it("uuid is the account's, the same on all its tasks", async () => {
    const uuidOfNewTask = async (as = server.mine): Promise<unknown> => {
      const { taskid } = (await server.post("/v1/Run/atelier/starter", {}, as)).json<{ taskid: string }>();
      return (await server.post("/v1/Task/Detail", { taskid }, as)).json<{ tasklist: [{ uuid: unknown }] }>().tasklist[0].uuid;
    };
    const mine = await uuidOfNewTask();
    expect(mine).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(await uuidOfNewTask()).toBe(mine);
    expect(await uuidOfNewTask(server.other)).not.toBe(mine);
  });
});
