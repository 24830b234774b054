import { createHash, randomUUID } from "node:crypto";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { openDatabase } from "../db/database.ts";
import { openLog } from "../log.ts";
import { startNoncePruning } from "../maintenance/prune-nonces.ts";
import { changeSignatureV2 } from "../projects/access-settings.ts";
import { createKey, rotateKey } from "../projects/keys.ts";
import { openProjectDoor } from "../projects/project-door.ts";
import { buildServer } from "./server.ts";
import { signV2 } from "./signature-v2.ts";
import { signedHeaders, startTestServer } from "./test-server.ts";
import type { TestServer } from "./test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const texts = {
  invalid: "Project authorization is not valid.",
  required: "Project requires signature v2. x-signature-v2, x-timestamp, x-nonce and x-content-sha256 headers are required.",
  time: "x-timestamp is more than five minutes away from the server's time.",
  replayed: "This x-nonce was used before. Sign every request with a new one.",
  body: "The body is not the one that x-content-sha256 names.",
} as const;

interface Request {
  target: string;
  body: string;
  /** Seconds from now. */
  offset: number;
  nonce: string;
  apikey: string;
  apisecret: string;
}

function headersFor(changes: Partial<Request> = {}): Record<string, string> {
  const { apikey, apisecret } = server.mine;
  const request = { target: "/v1/Task/List", body: "{}", offset: 0, nonce: randomUUID(), apikey, apisecret: apisecret ?? "", ...changes };
  const signedAt = Math.floor(Date.now() / 1000) + request.offset;
  const bodySha256 = createHash("sha256").update(request.body).digest("hex");
  const signature = signV2(request.apisecret, { method: "POST", target: request.target }, { signedAt, nonce: request.nonce, bodySha256 });
  return {
    "x-api-key": request.apikey,
    "x-timestamp": String(signedAt),
    "x-nonce": request.nonce,
    "x-content-sha256": bodySha256,
    "x-signature-v2": signature,
  };
}

/** "in", or the text of the refusal. */
async function send(headers: Record<string, string>, { target = "/v1/Task/List", body = "{}", app = server.app } = {}): Promise<string> {
  // A route's path in lower case would be another; the target is sent as it was signed.
  const response = await app.inject({ method: "POST", url: target, headers, payload: body });
  const { result, errors } = response.json<{ result: boolean; errors: { message: string }[] }>();
  if (response.statusCode === 200) return "in";
  expect({ result, status: response.statusCode }).toEqual({ result: false, status: 401 });
  return errors[0]?.message ?? "";
}

async function tasks(): Promise<number> {
  const { rows } = await server.db.query<{ count: number }>("select count(*)::int as count from tasks");
  return rows[0]?.count ?? -1;
}

async function nonces(): Promise<number> {
  const { rows } = await server.db.query<{ count: number }>("select count(*)::int as count from request_nonces");
  return rows[0]?.count ?? -1;
}

describe("a request with signature v2", () => {
  it("is let in, in the forms in which scripts write the signature", async () => {
    expect(await send(headersFor())).toBe("in");
    const headers = headersFor();
    expect(await send({ ...headers, "x-signature-v2": `SHA2-256(stdin)= ${headers["x-signature-v2"]?.toUpperCase()}` })).toBe("in");
  });

  it("is refused when anything that it covers is another", async () => {
    const target = "/v1/Task/List?a=1";
    expect(await send(headersFor({ target }), { target })).toBe("in");
    expect(await send(headersFor({ target }), { target: "/v1/Task/List?a=2" })).toBe(texts.invalid);
    expect(await send(headersFor(), { target: "/v1/Task/Detail" })).toBe(texts.invalid);
    const now = Math.floor(Date.now() / 1000);
    for (const change of [
      { "x-timestamp": String(now + 1) },
      { "x-timestamp": "" },
      { "x-timestamp": `${now}.5` },
      { "x-nonce": randomUUID() },
      { "x-nonce": "short" },
      { "x-content-sha256": "0".repeat(64) },
      { "x-content-sha256": "" },
      { "x-signature-v2": "0".repeat(64) },
      { "x-signature-v2": "short" },
    ]) {
      expect(await send({ ...headersFor(), ...change })).toBe(texts.invalid);
    }
    expect(await send(headersFor({ apisecret: server.other.apisecret ?? "" }))).toBe(texts.invalid);
  });

  it("signed with another method is refused", async () => {
    const { "x-signature-v2": _signature, ...rest } = headersFor();
    const claim = { signedAt: Number(rest["x-timestamp"]), nonce: rest["x-nonce"] ?? "", bodySha256: rest["x-content-sha256"] ?? "" };
    const signature = signV2(server.mine.apisecret ?? "", { method: "PUT", target: "/v1/Task/List" }, claim);
    expect(await send({ ...rest, "x-signature-v2": signature })).toBe(texts.invalid);
  });

  it("is not saved by a right signature of the first form", async () => {
    const headers = { ...headersFor(), "x-signature-v2": "0".repeat(64) };
    expect(await send({ ...headers, ...signedHeaders(server.mine) })).toBe(texts.invalid);
  });

  it.each([-400, -302, 302, 400])("signed %i seconds from now is refused, and leaves nothing behind", async (offset) => {
    const before = await nonces();
    expect(await send(headersFor({ offset }))).toBe(texts.time);
    expect(await nonces()).toBe(before);
  });

  it.each([-290, 290])("signed %i seconds from now is let in once", async (offset) => {
    const headers = headersFor({ offset });
    expect(await send(headers)).toBe("in");
    expect(await send(headers)).toBe(texts.replayed);
  });

  it("is let in once, also when it arrives many times at once and on two servers", async () => {
    const log = openLog({ level: "silent", pretty: false });
    const pool = openDatabase({ log }, server.address);
    const beside = buildServer({ ...server.context, db: pool, projects: openProjectDoor({ db: pool, masterKey: server.masterKey }) });
    const headers = headersFor();
    const answers = await Promise.all([server.app, beside, server.app, beside, server.app, beside].map((app) => send(headers, { app })));
    expect(answers.toSorted()).toEqual([texts.replayed, texts.replayed, texts.replayed, texts.replayed, texts.replayed, "in"].toSorted());
    await beside.close();
    await pool.close();
  });

  it("uses up a nonce of its own key only", async () => {
    const nonce = randomUUID();
    expect(await send(headersFor({ nonce }))).toBe("in");
    const { apikey, apisecret } = server.other;
    expect(await send(headersFor({ nonce, apikey, apisecret: apisecret ?? "" }))).toBe("in");
  });

  it("leaves no nonce behind when it is not signed rightly", async () => {
    const before = await nonces();
    for (let n = 0; n < 5; n += 1) await send(headersFor({ apisecret: "guessed" }));
    expect(await nonces()).toBe(before);
  });

  it("may be signed with either secret of a key that rotates", async () => {
    const deps = { db: server.db, masterKey: server.masterKey };
    const key = await createKey(deps, { id: server.mine.projectid, auth: "signature" }, {});
    const rotated = await rotateKey(deps, { id: key.keyid }, 60_000);
    if (typeof rotated === "string") throw new Error(rotated);
    for (const apisecret of [key.apisecret, rotated.apisecret]) {
      expect(await send(headersFor({ apikey: key.apikey, apisecret: apisecret ?? "" }))).toBe("in");
    }
  });
});

describe("a body that is not the signed one", () => {
  const target = "/v1/Run/atelier/starter";

  it("runs nothing, however large it is and however it ends", async () => {
    const body = JSON.stringify({ prompt: "two moons", steps: 8 });
    const padded = `${" ".repeat(3 * 1024 * 1024)}${body}`;
    const before = await tasks();
    expect(await send(headersFor({ target, body }), { target, body })).toBe("in");
    expect(await send(headersFor({ target, body: padded }), { target, body: padded })).toBe("in");
    expect(await tasks()).toBe(before + 2);
    for (const sent of [body.replace("two", "six"), `${body} `, body.slice(0, -1), "", padded]) {
      expect(await send(headersFor({ target, body }), { target, body: sent })).toBe(texts.body);
    }
    expect(await tasks()).toBe(before + 2);
  });
});

describe("a project's choice", () => {
  const choose = (choice: "off" | "allowed" | "required") =>
    changeSignatureV2({ db: server.db, masterKey: server.masterKey }, server.other.projectid, choice);
  const as = () => ({ apikey: server.other.apikey, apisecret: server.other.apisecret ?? "" });

  it("required: nothing else is let in", async () => {
    await choose("required");
    expect(await send(headersFor(as()))).toBe("in");
    expect(await send(signedHeaders(server.other))).toBe(texts.required);
    expect(await send({ "x-api-key": server.other.apikey })).toBe(texts.required);
  });

  it("off: the headers mean nothing, so the first form is needed, and a nonce may come again", async () => {
    await choose("off");
    expect(await send(headersFor(as()))).toMatch(/requires signature authentication/);
    const both = { ...headersFor(as()), ...signedHeaders(server.other) };
    expect([await send(both), await send(both)]).toEqual(["in", "in"]);
  });

  it("allowed: both forms are let in", async () => {
    await choose("allowed");
    expect([await send(headersFor(as())), await send(signedHeaders(server.other))]).toEqual(["in", "in"]);
  });

  it("a key-only project has nothing to sign with, and is let in by its key", async () => {
    const headers = headersFor({ apikey: server.keyOnly.apikey, apisecret: "none" });
    expect([await send(headers), await send(headers)]).toEqual(["in", "in"]);
  });
});

it("nonces are forgotten when their time has passed, and not before", async () => {
  // Those of earlier tests may be about to expire.
  await server.db.query("delete from request_nonces");
  await send(headersFor());
  await server.db.query(
    `insert into request_nonces (key_id, nonce, expires_at)
     select id, 'old' || n, now() - interval '1 second' from (select min(id) as id from api_keys) k, generate_series(1, 12000) n`,
  );
  const pruning = startNoncePruning({ db: server.db, log: openLog({ level: "silent", pretty: false }) });
  expect(await pruning.runOnce()).toBe(12_000);
  await pruning.stop();
  expect(await nonces()).toBe(1);
});
