import { describe, expect, it } from "vitest";

import { RequestLimits } from "./request-limits.ts";
import { signedHeaders, startTestServer } from "./test-server.ts";
import { openAccess } from "./visit.ts";

/** Two requests a minute of an address, four of a key. */
function setup() {
  let now = 0;
  const counts = new RequestLimits({ keyRequestsPerMinute: 4, addressRequestsPerMinute: 2 }, { clock: () => now });
  const seconds = (work: () => void): number => {
    try {
      work();
      return 0;
    } catch (error) {
      return Number((error as { details: { seconds: number } }).details.seconds);
    }
  };
  return { counts, seconds, pass: (ms: number) => (now += ms) };
}

describe("an address without a key", () => {
  it("may use its minute's share at once, then waits for the next request's share", () => {
    const { counts, seconds, pass } = setup();
    const ask = (): number => seconds(() => counts.admit("192.0.2.1", ""));
    expect([ask(), ask(), ask()]).toEqual([0, 0, 30]);
    pass(29_000);
    expect(ask()).toBe(1);
    pass(1_000);
    expect([ask(), ask()]).toEqual([0, 30]);
    expect(seconds(() => counts.admit("192.0.2.2", ""))).toBe(0);
  });

  it("is one with all addresses of its /64, which one customer has", () => {
    const { counts, seconds } = setup();
    const ask = (address: string): number => seconds(() => counts.admit(address, ""));
    expect([ask("2001:db8::1"), ask("2001:db8::ffff:2"), ask("2001:db8::3"), ask("2001:db8:0:1::3")]).toEqual([0, 0, 30, 0]);
  });
});

describe("a key", () => {
  it("has a share of its own once it is proved, wherever it is used", () => {
    const { counts, seconds } = setup();
    for (const address of ["192.0.2.1", "192.0.2.2"]) counts.admit(address, "key").prove();
    const ask = (address: string): number => seconds(() => counts.admit(address, "key").prove());
    expect([ask("192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.1")]).toEqual([0, 0, 15]);
    expect(ask("192.0.2.2")).toBe(15);
  });

  it("is not used up by others who write it into their requests", () => {
    const { counts, seconds } = setup();
    counts.admit("192.0.2.1", "key").prove();
    const stranger = (): number => seconds(() => counts.admit("198.51.100.9", "key").refuse());
    expect([stranger(), stranger(), stranger(), stranger()]).toEqual([0, 0, 30, 30]);
    const owner = (): number => seconds(() => counts.admit("192.0.2.1", "key").prove());
    expect([owner(), owner(), owner()]).toEqual([0, 0, 0]);
  });

  it("that is no longer proved counts for the address again", () => {
    const { counts, seconds } = setup();
    counts.admit("192.0.2.1", "key").prove();
    // The first of these two was admitted as the key's.
    const wrong = (): number => seconds(() => counts.admit("192.0.2.1", "key").refuse());
    expect([wrong(), wrong()]).toEqual([0, 30]);
    expect(seconds(() => counts.admit("192.0.2.1", ""))).toBe(30);
  });
});

it("an attacker with ever new addresses and keys makes it remember no more than its bound", () => {
  const buckets = 1_000;
  const counts = new RequestLimits({ keyRequestsPerMinute: 4, addressRequestsPerMinute: 2 }, { buckets });
  for (let n = 0; n < buckets * 10; n += 1) {
    counts.admit(`10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`, `key ${n}`).prove();
  }
  expect(counts.size).toBeLessThanOrEqual(buckets * 2 * 3);
});

it("0 stands for any number of requests", () => {
  const counts = new RequestLimits({ keyRequestsPerMinute: 0, addressRequestsPerMinute: 0 });
  for (let n = 0; n < 1_000; n += 1) counts.admit("192.0.2.1", "key").prove();
  expect(counts.size).toBe(1);
});

/** Not the tests' own, from which the replies' checker asks for the document. */
const remoteAddress = "192.0.2.9";

describe("the server", () => {
  it("answers 429 with the envelope and the seconds to wait, for routes, pages and unknown paths, but not for probes", async () => {
    const server = await startTestServer({ access: { ...openAccess, addressRequestsPerMinute: 3 } });
    for (const url of ["/", "/nowhere", "/v1/Tool/List"]) {
      expect((await server.app.inject({ method: url === "/v1/Tool/List" ? "POST" : "GET", url, remoteAddress })).statusCode).not.toBe(429);
    }
    for (const url of ["/", "/nowhere", "/llms.txt"]) {
      const response = await server.app.inject({ url, remoteAddress, headers: { "x-api-key": "made up" } });
      expect(response.statusCode).toBe(429);
      const seconds = response.headers["retry-after"];
      expect(Number(seconds)).toBeGreaterThan(0);
      expect(Number(seconds)).toBeLessThanOrEqual(20);
      expect(response.headers["access-control-expose-headers"]).toContain("retry-after");
      expect(response.json()).toEqual({
        result: false,
        errors: [{ code: 0, message: `Too many requests. Try again in ${seconds} seconds.`, time: expect.any(Number) }],
      });
    }
    expect((await server.app.inject({ url: "/healthz", remoteAddress })).statusCode).toBe(200);
    expect((await server.app.inject({ url: "/readyz", remoteAddress })).statusCode).toBe(200);
    await server.stop();
  });

  it("counts a key's requests apart from its address's, and wrong signatures for the address", async () => {
    const server = await startTestServer({ access: { ...openAccess, keyRequestsPerMinute: 5, addressRequestsPerMinute: 3 } });
    const statuses: number[] = [];
    for (let n = 0; n < 6; n += 1) statuses.push((await server.post("/v1/Task/List", {})).statusCode);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
    const wrong = { ...signedHeaders(server.other), "x-signature": "0".repeat(64) };
    const refused: number[] = [];
    for (let n = 0; n < 4; n += 1) {
      refused.push((await server.app.inject({ method: "POST", url: "/v1/Task/List", remoteAddress, headers: wrong })).statusCode);
    }
    expect(refused).toEqual([401, 401, 401, 429]);
    await server.stop();
  });
});
