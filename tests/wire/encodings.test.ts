import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { signedHeaders, startTestServer } from "../../packages/server/src/http/test-server.ts";
import type { TestServer } from "../../packages/server/src/http/test-server.ts";

const execute = promisify(execFile);

describe("curl, in every way that clients are known to send a body", () => {
  let server: TestServer;
  let url: string;
  beforeAll(async () => {
    server = await startTestServer();
    await server.app.listen({ host: "127.0.0.1", port: 0 });
    // A listening TCP server has an address with a port.
    url = `http://127.0.0.1:${(server.app.server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.stop());

  async function curl(path: string, ...options: string[]): Promise<Record<string, unknown>> {
    const headers = Object.entries(signedHeaders(server.mine)).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
    const { stdout } = await execute("curl", ["-sS", "-X", "POST", `${url}${path}`, ...headers, ...options]);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  it.each([
    ["JSON", ["-H", "Content-Type: application/json", "-d", '{"prompt":"two moons & a ship","steps":9}']],
    ["JSON as curl labels it", ["-d", '{"prompt":"two moons & a ship","steps":"9"}']],
    ["JSON labelled multipart", ["-H", "Content-Type: multipart/form-data", "-d", '{ "prompt": "two moons & a ship", "steps": 9 }']],
    ["JSON without a label", ["-H", "Content-Type:", "-d", '{"prompt":"two moons & a ship","steps":9}']],
    ["a form", ["--data-urlencode", "prompt=two moons & a ship", "-d", "steps=9"]],
    ["multipart", ["-F", "prompt=two moons & a ship", "-F", "steps=9"]],
    ["chunked multipart", ["-H", "Transfer-Encoding: chunked", "-F", "prompt=two moons & a ship", "-F", "steps=9", "-F", "width="]],
  ])("%s makes the same task", async (_name, options) => {
    const run = await curl("/v1/Run/atelier/starter", ...options);
    expect(run).toMatchObject({ result: true });
    const { rows } = await server.db.query<{ input: object }>("select input from tasks where id = $1", [run["taskid"]]);
    const untouched = { samples: 1, scale: 7.5, seed: 64803343, width: 256, height: 256 };
    expect(rows).toEqual([{ input: { prompt: "two moons & a ship", steps: 9, ...untouched } }]);
    const forms = [
      ["-d", JSON.stringify({ tasktoken: run["socketaccesstoken"] })],
      ["-d", `taskid=${String(run["taskid"])}`],
      ["-F", `socketaccesstoken=${String(run["socketaccesstoken"])}`],
    ];
    for (const form of forms) {
      const detail = await curl("/v1/Task/Detail", ...form);
      expect(detail).toMatchObject({ tasklist: [{ id: run["taskid"], parameters: { prompt: "two moons & a ship" } }] });
    }
  });

  it("a body of 40 MB is refused and the refusal arrives", async () => {
    const file = join(server.folder, "large.json");
    await writeFile(file, `{"prompt":"${"x".repeat(40_000_000)}"}`);
    for (const options of [[], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect:"]]) {
      expect(await curl("/v1/Run/atelier/starter", ...options, "--data-binary", `@${file}`)).toMatchObject({
        result: false,
        errors: [{ code: 0, message: "Request parameters are invalid." }],
      });
    }
  });
});
