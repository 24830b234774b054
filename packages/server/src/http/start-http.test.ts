import { request } from "node:http";

import { describe, expect, it } from "vitest";

import { startHttp } from "./start-http.ts";
import { startTestServer } from "./test-server.ts";

describe("startHttp", () => {
  it("listens on a free port, names its address, and stops although a connection is open", async () => {
    const test = await startTestServer();
    const http = await startHttp({ ...test.context, config: { host: "127.0.0.1", port: 0, publicUrl: undefined } });
    expect(http.publicUrl).toBe(`http://127.0.0.1:${http.port}`);
    const response = await fetch(`${http.publicUrl}/healthz`);
    expect(await response.json()).toEqual({ status: "ok" });
    // A request that never ends: its headers say that a body follows.
    const open = request({ port: http.port, method: "POST", path: "/v1/Task/Detail", headers: { "content-length": 10 } });
    open.on("error", () => undefined);
    await new Promise((resolve) => open.on("socket", (socket) => socket.on("connect", resolve)));
    open.flushHeaders();
    await Promise.all([http.stop(), http.stop()]);
    await expect(fetch(`${http.publicUrl}/healthz`)).rejects.toThrow();
    await test.stop();
  });

  it("gives out the configured address, without a trailing slash", async () => {
    const test = await startTestServer();
    const config = { host: "127.0.0.1", port: 0, publicUrl: "https://pictures.example/" };
    const http = await startHttp({ ...test.context, config });
    expect(http.publicUrl).toBe("https://pictures.example");
    await http.stop();
    await test.stop();
  });

  it("rejects when the port is taken", async () => {
    const test = await startTestServer();
    const config = { host: "127.0.0.1", port: 0, publicUrl: undefined };
    const first = await startHttp({ ...test.context, config });
    await expect(startHttp({ ...test.context, config: { ...config, port: first.port } })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    await first.stop();
    await test.stop();
  });
});
