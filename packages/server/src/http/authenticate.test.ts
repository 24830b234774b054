import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { CreatedProject } from "../projects/create-project.ts";
import { createKey, revokeKey, rotateKey } from "../projects/keys.ts";
import { sign } from "./authenticate.ts";
import { signedHeaders, startTestServer } from "./test-server.ts";
import type { TestServer } from "./test-server.ts";

const nonce = "1734513807";

const texts = {
  unknown: "Project authorization is not founded.",
  missing: "Project requires signature authentication. x-signature and x-nonce headers are required.",
  invalid: "Project authorization is not valid.",
} as const;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** "in", or the text of the refusal. */
async function answerTo(headers: Record<string, string>): Promise<string> {
  const response = await server.app.inject({ method: "POST", url: "/v1/Task/List", headers, payload: "{}" });
  const { result, errors } = response.json<{ result: boolean; errors: { message: string }[] }>();
  expect(response.statusCode).toBe(result ? 200 : 401);
  return result ? "in" : (errors[0]?.message ?? "");
}

/** Of a signature project, whose secret is never null. */
const secretOf = (project: CreatedProject): string => project.apisecret ?? "";

describe("sign", () => {
  it("is the hex HMAC-SHA256 of secret and nonce, keyed by the key", () => {
    // printf 'secret1734513807' | openssl dgst -sha256 -hmac key
    expect(sign({ apiKey: "key", apiSecret: "secret", nonce: "1734513807" })).toBe(
      "b9f37af2a3491214808810bce1b63e208f54d09288f74f017a52ae8330901c04",
    );
  });
});

describe("authenticate", () => {
  const signed = (): Record<string, string> => signedHeaders(server.mine);
  const signature = (): string => signed()["x-signature"] ?? "";

  it("lets a signed request in, and the same nonce again", async () => {
    expect(await answerTo(signed())).toBe("in");
    expect(await answerTo(signed())).toBe("in");
  });

  it.each([
    (hex: string) => `SHA2-256(stdin)= ${hex}`,
    (hex: string) => `(stdin)= ${hex}`,
    (hex: string) => ` ${hex} `,
    (hex: string) => hex.toUpperCase(),
  ])("accepts the signature in the forms that clients write (%#)", async (written) => {
    expect(await answerTo({ ...signed(), "x-signature": written(signature()) })).toBe("in");
  });

  it.each(["ms", "1734513807123", "1734513807123456789", "-42"])("accepts the nonce %j", async (other) => {
    expect(await answerTo(signedHeaders(server.mine, other))).toBe("in");
  });

  it("lets a key-only project in by its key, whatever else it sends", async () => {
    const headers = { "x-api-key": server.keyOnly.apikey };
    expect(await answerTo(headers)).toBe("in");
    expect(await answerTo({ ...headers, "x-nonce": "1", "x-signature": "junk" })).toBe("in");
  });

  it.each([{}, { "x-api-key": "" }, { "x-api-key": "unknown" }, { "x-api-key": "x".repeat(300) }, { "x-api-key": "k\u00e9y" }, { "x-api-key": "a b" }])(
    "does not know the key in %j",
    async (headers) => {
      expect(await answerTo(headers)).toBe(texts.unknown);
    },
  );

  it("does not know the secret sent as the key", async () => {
    const swapped = { ...server.mine, apikey: secretOf(server.mine), apisecret: server.mine.apikey };
    expect(await answerTo(signedHeaders(swapped))).toBe(texts.unknown);
  });

  it.each(["x-nonce", "x-signature"])("asks a signature project for %s", async (header) => {
    const { [header]: _left, ...rest } = signed();
    expect(await answerTo(rest)).toBe(texts.missing);
    expect(await answerTo({ ...rest, [header]: " " })).toBe(texts.missing);
  });

  it("refuses a changed digit, another nonce, half a signature, another's and one with key and secret exchanged", async () => {
    const exchanged = sign({ apiKey: secretOf(server.mine), apiSecret: server.mine.apikey, nonce });
    const changes = [
      { "x-signature": signature().replace(/.$/, (digit) => (digit === "0" ? "1" : "0")) },
      { "x-nonce": "1734513808" },
      { "x-signature": signature().slice(0, 32) },
      { "x-signature": sign({ apiKey: server.mine.apikey, apiSecret: secretOf(server.other), nonce }) },
      { "x-signature": exchanged },
    ];
    for (const change of changes) expect(await answerTo({ ...signed(), ...change })).toBe(texts.invalid);
  });

  it("while a key rotates both secrets sign, and afterwards the new one alone", async () => {
    const deps = { db: server.db, masterKey: server.masterKey };
    const project = { id: server.mine.projectid, auth: "signature" as const };
    const key = await createKey(deps, project, {});
    const credentials = (apisecret: string | null): CreatedProject => ({ ...server.mine, apikey: key.apikey, apisecret });
    const rotated = await rotateKey(deps, { id: key.keyid }, 60_000);
    if (typeof rotated === "string") throw new Error(rotated);
    expect(await answerTo(signedHeaders(credentials(key.apisecret)))).toBe("in");
    expect(await answerTo(signedHeaders(credentials(rotated.apisecret)))).toBe("in");

    await server.db.query("update api_keys set previous_expires_at = now() where id = $1", [key.keyid]);
    expect(await answerTo(signedHeaders(credentials(key.apisecret)))).toBe(texts.invalid);
    expect(await answerTo(signedHeaders(credentials(rotated.apisecret)))).toBe("in");

    await revokeKey(deps, { apiKey: key.apikey });
    expect(await answerTo(signedHeaders(credentials(rotated.apisecret)))).toBe(texts.unknown);
    expect(await answerTo(signed())).toBe("in");
  });

  it("does not know a key that has expired", async () => {
    const deps = { db: server.db, masterKey: server.masterKey };
    const expiresAt = new Date(Date.now() + 60_000);
    const key = await createKey(deps, { id: server.keyOnly.projectid, auth: "key" }, { expiresAt });
    expect(await answerTo({ "x-api-key": key.apikey })).toBe("in");
    await server.db.query("update api_keys set expires_at = now() where id = $1", [key.keyid]);
    expect(await answerTo({ "x-api-key": key.apikey })).toBe(texts.unknown);
  });
});
