import { createHmac } from "node:crypto";

import { afterAll, beforeAll, expect, it } from "vitest";

import { changeAllowedAddresses } from "../projects/access-settings.ts";
import { signedHeaders, startTestServer } from "./test-server.ts";
import type { TestServer } from "./test-server.ts";
import { openAccess } from "./visit.ts";

const secret = "shared by both, and longer than this";
const allowed = "203.0.113.5";
const path = "/v1/Task/List";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ access: { ...openAccess, callerSecret: secret } });
  const deps = { db: server.db, masterKey: server.masterKey };
  await changeAllowedAddresses(deps, server.mine.projectid, { verb: "add", range: `${allowed}/32` });
});
afterAll(() => server.stop());

interface Forwarded {
  clientIp?: string;
  timestamp?: string;
  apiKey?: string;
  pathname?: string;
  secret?: string;
}

/** Signed as the caller of tools signs, with one thing changed. */
function forwarded(changes: Forwarded = {}): Record<string, string> {
  const { clientIp = allowed, timestamp = String(Date.now()), apiKey = server.mine.apikey, pathname = path } = changes;
  const message = `${timestamp}\n${clientIp}\n${apiKey}\n${pathname}`;
  const signature = createHmac("sha256", changes.secret ?? secret).update(message).digest("hex");
  return { "x-wiro-proxy-client-ip": clientIp, "x-wiro-proxy-timestamp": timestamp, "x-wiro-proxy-signature": signature };
}

/** The address that the server took the request for, or "" when it was let in. */
async function refusedAddress(headers: Record<string, string>, url = path): Promise<string> {
  const remoteAddress = "192.0.2.66";
  const response = await server.app.inject({ method: "POST", url, headers: { ...signedHeaders(server.mine), ...headers }, remoteAddress, payload: "{}" });
  return /Requested ip (\S+) is not allowed/.exec(response.body)?.[1] ?? "";
}

it("counts and admits the client that a known server calls for", async () => {
  expect(await refusedAddress({})).toBe("192.0.2.66");
  expect(await refusedAddress(forwarded())).toBe("");
  expect(await refusedAddress(forwarded(), `${path}?page=1`)).toBe("");
  expect(await refusedAddress(forwarded({ clientIp: "198.51.100.7" }))).toBe("198.51.100.7");
});

it.each([
  ["another secret", () => forwarded({ secret: "x".repeat(32) })],
  ["an address that was not signed", () => ({ ...forwarded({ clientIp: "198.51.100.7" }), "x-wiro-proxy-client-ip": allowed })],
  ["another key's signature", () => forwarded({ apiKey: "another" })],
  ["another path's signature", () => forwarded({ pathname: "/v1/Task/Detail" })],
  ["an old one", () => forwarded({ timestamp: String(Date.now() - 301_000) })],
  ["one from the future", () => forwarded({ timestamp: String(Date.now() + 301_000) })],
  ["a time that is no number", () => forwarded({ timestamp: "now" })],
  ["what is no address", () => forwarded({ clientIp: "somebody" })],
  ["half a signature", () => ({ ...forwarded(), "x-wiro-proxy-signature": forwarded()["x-wiro-proxy-signature"]?.slice(0, 32) ?? "" })],
  ["no signature", () => ({ ...forwarded(), "x-wiro-proxy-signature": "" })],
])("takes no notice of %s", async (_name, headers) => {
  expect(await refusedAddress(headers())).toBe("192.0.2.66");
});
