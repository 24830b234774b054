// For every route and the socket: what belongs to another project is answered, byte for byte, like what does not exist.

import { createHash, randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";

import type { LightMyRequestResponse } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { signV2 } from "../../packages/server/src/http/signature-v2.ts";
import { signedHeaders, startTestServer } from "../../packages/server/src/http/test-server.ts";
import type { TestServer } from "../../packages/server/src/http/test-server.ts";
import type { CreatedProject } from "../../packages/server/src/projects/create-project.ts";
import { SocketClient } from "../socket/client.ts";
import { privateRoutes, publicRoutes } from "./routes.ts";
import type { Things } from "./routes.ts";

let server: TestServer;
/** Of the project `mine`: a task that waits, one that has ended with a picture and a delivery. */
let theirs: Things[];
const nobodys: Things = { projectid: "999999999", taskid: "999999999", token: "A".repeat(30), deliveryid: "999999999", folderid: "f".repeat(32) };

beforeAll(async () => {
  server = await startTestServer();
  theirs = [await makeThings("task_queue"), await makeThings("task_start"), await makeThings("task_postprocess_end")];
});
afterAll(() => server.stop());

/** A task in a status, with a picture and a delivery whatever the status: rows to be found by whoever may. */
async function makeThings(status: string): Promise<Things> {
  const run = (await server.post("/v1/Run/atelier/starter", { prompt: "a secret lighthouse" })).json<{ taskid: string; socketaccesstoken: string }>();
  await server.db.query("update tasks set status = $2, worker_id = 'w', pexit = case when $2 = 'task_postprocess_end' then '0' end where id = $1", [run.taskid, status]);
  await server.db.query(
    `insert into outputs (id, task_id, position, name, content_type, size_bytes, access_key, file_key)
     select lpad(id::text, 32, '0'), id, 0, '0.png', 'image/png', 1, lpad(id::text, 30, 'a'), lpad(id::text, 40, 'b') from tasks where id = $1`,
    [run.taskid],
  );
  const { rows } = await server.db.query<{ id: string }>(
    `insert into deliveries (task_id, project_id, url, status, ended_at) select id, project_id, 'https://receiver.test/secret', 'abandoned', now()
       from tasks where id = $1 returning id`,
    [run.taskid],
  );
  const { list } = (await server.post("/v1/File/FolderCreate", { name: status })).json<{ list: { id: string }[] }>();
  const folderid = list[0]?.id ?? "";
  return { folderid, projectid: server.mine.projectid, taskid: run.taskid, token: run.socketaccesstoken, deliveryid: rows[0]?.id ?? "" };
}

/** Everything in the database that a request could have changed. */
async function everything(): Promise<unknown> {
  const { rows } = await server.db.query(
    `select t::text as row from tasks t union all select o::text from outputs o union all select d::text from deliveries d
     union all select e::text from task_events e union all select p::text from projects p union all select f::text from folders f union all select f::text from files f
     order by 1`,
  );
  return rows;
}

/** An answer without the id of the request and the moment at which it was given. */
function said(response: LightMyRequestResponse): unknown {
  const { date: _date, "x-request-id": _id, ...headers } = response.headers;
  return { status: response.statusCode, headers, body: response.body.replace(/"time":\d+/, '"time":0') };
}

function ask(route: string, body: object, as: CreatedProject): Promise<LightMyRequestResponse> {
  const { path = route.replace("POST ", ""), withFile } = privateRoutes[route] ?? {};
  const headers = { ...signedHeaders(as), ...(withFile && { "content-type": "multipart/form-data; boundary=x" }) };
  return server.app.inject({ method: "POST", url: path, headers, payload: withFile ? formOf(body) : JSON.stringify(body) });
}

/** Signs an empty body by signature v2. */
function strictHeaders(target: string): Record<string, string> {
  const claim = { signedAt: Math.floor(Date.now() / 1000), nonce: randomUUID(), bodySha256: createHash("sha256").digest("hex") };
  return {
    "x-api-key": server.mine.apikey,
    "x-timestamp": String(claim.signedAt),
    "x-nonce": claim.nonce,
    "x-content-sha256": claim.bodySha256,
    "x-signature-v2": signV2(server.mine.apisecret ?? "", { method: "POST", target }, claim),
  };
}

function formOf(body: object): string {
  const part = (disposition: string, value: unknown): string => `--x\r\ncontent-disposition: form-data; ${disposition}\r\n\r\n${String(value)}\r\n`;
  const fields = Object.entries(body).map(([name, value]) => part(`name="${name}"`, value));
  return `${fields.join("")}${part('name="file"; filename="a.png"', "no picture")}--x--\r\n`;
}

it("every route of the server is in the table, and nothing else", async () => {
  const { paths } = (await server.app.inject("/openapi.json")).json<{ paths: Record<string, Record<string, { operationId: string }>> }>();
  // Workers are the operator's own and run the tasks of all projects; their token is their permission (docs/worker-api.md).
  const forCallers = Object.entries(paths).filter(([path]) => !path.startsWith("/worker/v1/"));
  const routes = forCallers.flatMap(([path, methods]) =>
    Object.entries(methods)
      // The paths of single models are the one of Run.
      .filter(([, { operationId }]) => !/^run_\d+$/.test(operationId))
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
  expect(routes.toSorted()).toEqual([...Object.keys(privateRoutes), ...Object.keys(publicRoutes)].toSorted());
});

describe.each(Object.entries(privateRoutes))("%s", (route, { bodies }) => {
  it("answers for another project's what it answers for none, and changes nothing", async () => {
    const before = await everything();
    for (const stranger of [server.other, server.keyOnly]) {
      const expected: unknown[] = [];
      for (const body of bodies(nobodys)) expected.push(said(await ask(route, body, stranger)));
      for (const things of theirs) {
        for (const [at, body] of bodies(things).entries()) {
          const response = await ask(route, body, stranger);
          expect(said(response)).toEqual(expected[at]);
          expect(response.body).not.toMatch(/lighthouse|receiver\.test/);
        }
      }
    }
    expect(await everything()).toEqual(before);
  });

  it("refuses whoever has no key, before it looks at what is named", async () => {
    const answers = new Set<string>();
    for (const things of [nobodys, ...theirs]) {
      for (const body of bodies(things)) {
        const url = privateRoutes[route]?.path ?? route.replace("POST ", "");
        answers.add(JSON.stringify(said(await server.app.inject({ method: "POST", url, payload: JSON.stringify(body) }))));
      }
    }
    expect(answers.size).toBe(1);
    expect([...answers][0]).toContain('"status":401');
  });
});

it.each(["/v1/Task/List", "/v1/Delivery/List"])("%s counts nothing of another project", async (url) => {
    const totalOf = async (as: CreatedProject): Promise<unknown> => (await server.post(url, {}, as)).json<{ total: unknown }>().total;
    expect([await totalOf(server.other), await totalOf(server.keyOnly), await totalOf(server.mine)]).toEqual(["0", "0", "3"]);
});

describe("the socket", () => {
  it("answers another project's ids, in place of a token, like a token that nobody has", async () => {
    await server.app.listen({ host: "127.0.0.1", port: 0 });
    // A listening TCP server has an address with a port.
    const { port } = server.app.server.address() as AddressInfo;
    const answerTo = async (tasktoken: string): Promise<unknown> => {
      const client = await SocketClient.connect(`ws://127.0.0.1:${port}/v1`);
      client.follow(tasktoken);
      await client.until(() => client.frames.length > 1);
      client.ws.close();
      await client.closed;
      return client.frames[1];
    };
    const expected = await answerTo(nobodys.token);
    for (const { taskid, deliveryid, token } of theirs) {
      for (const text of [taskid, deliveryid, token.toLowerCase(), token.slice(0, -1), `${token}A`]) {
        if (text !== token) expect(await answerTo(text)).toEqual(expected);
      }
      expect(await answerTo(token)).not.toEqual(expected);
    }
  });
});

describe("the event stream", () => {
  it("answers another project's ids, in place of a token, like a token that nobody has", async () => {
    const ask = async (text: string): Promise<unknown> => said(await server.app.inject(`/v1/Task/Events/${text}`));
    const expected = await ask(nobodys.token);
    for (const { taskid, deliveryid, token } of theirs) {
      for (const text of [taskid, deliveryid, token.toLowerCase(), token.slice(0, -1), `${token}A`]) {
        if (text !== token) expect(await ask(text)).toEqual(expected);
      }
      const { rows } = await server.db.query<{ last: number }>("select last_event_seq as last from tasks where id = $1", [taskid]);
      // One that has ended has nothing more to say; the stream of another would not end here.
      if (token === theirs.at(-1)?.token) expect((await server.app.inject(`/v1/Task/Events/${token}?afterseq=${rows[0]?.last}`)).statusCode).toBe(204);
    }
  });
});

// Last: the owner's requests change what is asked for.
describe.each(Object.entries(privateRoutes).filter(([, { sameForOwner }]) => sameForOwner === undefined))("%s", (route, { bodies }) => {
  it("answers its owner otherwise, so that the comparison above means something", async () => {
    const missing = said(await ask(route, bodies(nobodys)[0] ?? {}, server.mine));
    const answers = [];
    for (const things of theirs) answers.push(said(await ask(route, bodies(things)[0] ?? {}, server.mine)));
    expect(answers.some((answer) => JSON.stringify(answer) !== JSON.stringify(missing))).toBe(true);
  });
});

describe.each(Object.keys(privateRoutes))("%s", (route) => {
  it("with signature v2 and a body that is not the signed one is refused, and changes nothing", async () => {
    const before = await everything();
    const { bodies, withFile, path = route.replace("POST ", "") } = privateRoutes[route] ?? { bodies: () => [] };
    const [body] = bodies(theirs[0] ?? nobodys);
    const response = await server.app.inject({
      method: "POST",
      url: path,
      headers: { ...strictHeaders(path), ...(withFile && { "content-type": "multipart/form-data; boundary=x" }) },
      payload: withFile ? formOf(body ?? {}) : JSON.stringify(body),
    });
    expect(response.statusCode).toBe(401);
    expect(response.body).toContain("The body is not the one that x-content-sha256 names.");
    expect(await everything()).toEqual(before);
  });
});
