import { connect } from "node:net";
import type { AddressInfo } from "node:net";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { openRanges, readAddress, readRange } from "../address-range.ts";
import { changeAllowedAddresses } from "../projects/access-settings.ts";
import { signedHeaders, startTestServer } from "./test-server.ts";
import type { TestServer } from "./test-server.ts";
import { openAccess } from "./visit.ts";

describe("addresses", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    [" 192.0.2.1:443 ", "192.0.2.1"],
    ["[2001:DB8::1]:443", "2001:db8::1"],
    ["2001:db8:0:0::1", "2001:db8::1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["fe80::1%eth0", "fe80::1"],
  ])("%j is %j", (text, address) => expect(readAddress(text)).toBe(address));

  it.each(["", "unknown", "_hidden", "192.0.2", "192.0.2.256", "1", "example.org", "[192.0.2.1", "2001:db8::1:99999:1:2:3:4:5:6"])(
    "%j is none",
    (text) => expect(readAddress(text)).toBeUndefined(),
  );

  it.each([
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["::1", "::1/128"],
    ["::ffff:10.0.0.0/104", "10.0.0.0/8"],
    ["0.0.0.0/0", "0.0.0.0/0"],
  ])("%j is the network %j", (text, range) => expect(readRange(text)).toBe(range));

  it("a network holds its own addresses in any spelling, and none of the other family", () => {
    const isWithin = openRanges(["10.0.0.0/8", "2001:db8::/32"]);
    expect(["10.255.0.1", "::ffff:10.0.0.1", "2001:db8:5::1"].map(isWithin)).toEqual([true, true, true]);
    expect(["11.0.0.1", "::a00:1", "2001:db9::1", "nonsense", ""].map(isWithin)).toEqual([false, false, false, false, false]);
  });
});

/** The address that the server takes each request for: the only one that the project allows is told in the refusal. */
async function addressSeen(server: TestServer, forwarded: string | string[] | undefined, remoteAddress: string): Promise<string> {
  const headers = { ...signedHeaders(server.mine), ...(forwarded === undefined ? {} : { "x-forwarded-for": forwarded }) };
  const response = await server.app.inject({ method: "POST", url: "/v1/Task/List", headers, remoteAddress, payload: "{}" });
  expect(response.statusCode).toBe(401);
  return /Requested ip (\S+) is not allowed/.exec(response.body)?.[1] ?? response.body;
}

describe("behind trusted proxies", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ access: { ...openAccess, trustedProxies: ["10.0.0.0/8", "2001:db8::/32"] } });
    const deps = { db: server.db, masterKey: server.masterKey };
    await changeAllowedAddresses(deps, server.mine.projectid, { verb: "add", range: "203.0.113.0/24" });
  });
  afterAll(() => server.stop());

  it.each([
    ["the client that the proxy names", "198.51.100.7", "10.0.0.1", "198.51.100.7"],
    ["the last that no proxy vouches for, whatever the client wrote before it", "203.0.113.5, 198.51.100.7", "10.0.0.1", "198.51.100.7"],
    ["the client behind two proxies", "198.51.100.7, 10.9.9.9", "10.0.0.1", "198.51.100.7"],
    ["the peer, when it is no proxy of ours", "203.0.113.5", "192.0.2.66", "192.0.2.66"],
    ["the peer, when it names nobody", undefined, "10.0.0.1", "10.0.0.1"],
    ["the proxy that wrote what is no address", "203.0.113.5, unknown", "10.0.0.1", "10.0.0.1"],
    ["the client with its port taken away", "198.51.100.7:50123", "10.0.0.1", "198.51.100.7"],
    ["an IPv6 client", "[2001:db9::5]:443", "::ffff:10.0.0.1", "2001:db9::5"],
  ])("counts %s", async (_name, forwarded, peer, seen) => {
    expect(await addressSeen(server, forwarded, peer)).toBe(seen);
  });

  it("lets the allowed client in, and nobody who only says so", async () => {
    const ask = async (remoteAddress: string, forwarded: string): Promise<number> => {
      const headers = { ...signedHeaders(server.mine), "x-forwarded-for": forwarded };
      return (await server.app.inject({ method: "POST", url: "/v1/Task/List", headers, remoteAddress, payload: "{}" })).statusCode;
    };
    expect(await ask("10.0.0.1", "203.0.113.5")).toBe(200);
    expect(await ask("203.0.113.5", "")).toBe(200);
    expect(await ask("198.51.100.7", "203.0.113.5")).toBe(401);
    expect(await ask("10.0.0.1", "203.0.113.5, 198.51.100.7")).toBe(401);
  });

  it("a wrong signature is told as such, whatever its address", async () => {
    const headers = { ...signedHeaders(server.mine), "x-signature": "0".repeat(64) };
    const response = await server.app.inject({ method: "POST", url: "/v1/Task/List", headers, payload: "{}" });
    expect(response.json()).toMatchObject({ errors: [{ message: "Project authorization is not valid." }] });
  });
});

describe("without trusted proxies", () => {
  it("the headers change nothing, and the operator is told once", async () => {
    const server = await startTestServer({ access: { ...openAccess, addressRequestsPerMinute: 4 } });
    const statuses: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      statuses.push((await server.app.inject({ url: "/", remoteAddress: "192.0.2.9", headers: { "x-forwarded-for": `203.0.113.${n}` } })).statusCode);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 429]);
    expect(server.logged.filter((line) => line["msg"] === "http.forwarding_ignored")).toHaveLength(1);
    await server.stop();
  });

  it("sockets are counted, too", async () => {
    const server = await startTestServer({ access: { ...openAccess, addressRequestsPerMinute: 1 } });
    await server.app.listen({ host: "127.0.0.1", port: 0 });
    // A listening TCP server has an address with a port.
    const { port } = server.app.server.address() as AddressInfo;
    const open = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(port, "127.0.0.1", () =>
          socket.write(
            "GET /v1 HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
          ),
        );
        socket.once("data", (chunk) => {
          resolve(chunk.toString());
          socket.destroy();
        });
        socket.once("error", reject);
      });
    expect(await open()).toMatch(/^HTTP\/1\.1 101 /);
    expect(await open()).toMatch(/^HTTP\/1\.1 429 [^]*retry-after: 60\r\n[^]*Too many requests/);
    await server.stop();
  });
});
