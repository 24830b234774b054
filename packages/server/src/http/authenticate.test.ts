import { describe, expect, it } from "vitest";

import { authenticate, sign } from "./authenticate.ts";
import type { Caller } from "./http-deps.ts";

const signing: Caller = { id: "1", uuid: "u", name: "signing", auth: "signature" };
const keyOnly: Caller = { id: "2", uuid: "u", name: "key only", auth: "key" };
const apiSecret = "a-secret-of-some-length";

function setup() {
  const asked: string[] = [];
  const projects = {
    async findByKey(apiKey: string) {
      asked.push(apiKey);
      if (apiKey === "signing-key") return { project: signing, secret: apiSecret };
      return apiKey === "lone-key" ? { project: keyOnly, secret: null } : undefined;
    },
  };
  return { projects, asked };
}

const nonce = "1734513807";
const signature = sign({ apiKey: "signing-key", apiSecret, nonce });
const signed = { "x-api-key": "signing-key", "x-nonce": nonce, "x-signature": signature };

async function codeOf(headers: Record<string, string>): Promise<unknown> {
  return authenticate(setup(), headers).then(
    (caller) => caller.name,
    (error: { code: string }) => error.code,
  );
}

describe("sign", () => {
  it("is the hex HMAC-SHA256 of secret and nonce, keyed by the key", () => {
    // printf 'secret1734513807' | openssl dgst -sha256 -hmac key
    expect(sign({ apiKey: "key", apiSecret: "secret", nonce: "1734513807" })).toBe(
      "b9f37af2a3491214808810bce1b63e208f54d09288f74f017a52ae8330901c04",
    );
  });
});

describe("authenticate", () => {
  it("lets a signed request in, and the same nonce again", async () => {
    expect(await codeOf(signed)).toBe("signing");
    expect(await codeOf(signed)).toBe("signing");
  });

  it.each([
    `SHA2-256(stdin)= ${signature}`,
    `(stdin)= ${signature}`,
    ` ${signature} `,
    signature.toUpperCase(),
  ])("accepts the signature written as %j", async (written) => {
    expect(await codeOf({ ...signed, "x-signature": written })).toBe("signing");
  });

  it.each(["ms", "1734513807123", "1734513807123456789", "-42"])("accepts the nonce %j", async (other) => {
    const again = sign({ apiKey: "signing-key", apiSecret, nonce: other });
    expect(await codeOf({ ...signed, "x-nonce": other, "x-signature": again })).toBe("signing");
  });

  it("lets a key-only project in by its key, whatever else it sends", async () => {
    expect(await codeOf({ "x-api-key": "lone-key" })).toBe("key only");
    expect(await codeOf({ "x-api-key": "lone-key", "x-nonce": "1", "x-signature": "junk" })).toBe("key only");
  });

  it.each([{}, { "x-api-key": "" }, { "x-api-key": "unknown" }, { "x-api-key": "x".repeat(300) }, { "x-api-key": "k\u00e9y" }])(
    "does not know the key in %j",
    async (headers) => {
      expect(await codeOf(headers)).toBe("AUTH_KEY_UNKNOWN");
    },
  );

  it("does not know the secret sent as the key", async () => {
    const swapped = sign({ apiKey: apiSecret, apiSecret: "signing-key", nonce });
    expect(await codeOf({ "x-api-key": apiSecret, "x-nonce": nonce, "x-signature": swapped })).toBe("AUTH_KEY_UNKNOWN");
  });

  it.each(["x-nonce", "x-signature"])("asks a signature project for %s", async (header) => {
    const { [header]: _left, ...rest } = signed as Record<string, string>;
    expect(await codeOf(rest)).toBe("AUTH_SIGNATURE_MISSING");
    expect(await codeOf({ ...rest, [header]: " " })).toBe("AUTH_SIGNATURE_MISSING");
  });

  it.each([
    ["a changed digit", { ...signed, "x-signature": signature.replace(/.$/, signature.endsWith("0") ? "1" : "0") }],
    ["another nonce", { ...signed, "x-nonce": "1734513808" }],
    ["half a signature", { ...signed, "x-signature": signature.slice(0, 32) }],
    ["key and secret exchanged in the signature", {
      ...signed,
      "x-signature": sign({ apiKey: apiSecret, apiSecret: "signing-key", nonce }),
    }],
  ])("refuses %s", async (_name, headers) => {
    expect(await codeOf(headers)).toBe("AUTH_SIGNATURE_INVALID");
  });

  it("does not ask the database for a key that no project can have", async () => {
    const { projects, asked } = setup();
    await expect(authenticate({ projects }, { "x-api-key": "a b" })).rejects.toThrow();
    expect(asked).toEqual([]);
  });
});
