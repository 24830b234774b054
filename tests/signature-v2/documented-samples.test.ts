// Runs every sample of docs/signature-v2.md, as it stands there, against a server that listens.

import { execFile, execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, expect, it } from "vitest";

import { startTestServer } from "../../packages/server/src/http/test-server.ts";
import type { TestServer } from "../../packages/server/src/http/test-server.ts";
import { changeSignatureV2 } from "../../packages/server/src/projects/access-settings.ts";

const programs = {
  bash: { command: "bash", file: "sample.sh", isRequired: true },
  js: { command: process.execPath, file: "sample.mjs", isRequired: true },
  python: { command: "python3", file: "sample.py", isRequired: true },
  perl: { command: "perl", file: "sample.pl", isRequired: false },
} as const;

let server: TestServer;
let folder: string;
let text: string;
let url: string;
beforeAll(async () => {
  text = await readFile(join(import.meta.dirname, "../../docs/signature-v2.md"), "utf8");
  folder = await mkdtemp(join(tmpdir(), "atelier-v2-"));
  server = await startTestServer();
  // Nothing but the stricter signature is let in, so a sample that passes has used it.
  await changeSignatureV2({ db: server.db, masterKey: server.masterKey }, server.mine.projectid, "required");
  await server.app.listen({ host: "127.0.0.1", port: 0 });
  // A listening TCP server has an address with a port.
  url = `http://127.0.0.1:${(server.app.server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

it("the document has one sample for each language that is run here", () => {
  const languages = [...text.matchAll(/^```(\w+)$/gm)].map((match) => match[1]);
  expect(languages).toEqual(Object.keys(programs));
});

it.each(Object.entries(programs))("the sample in %s lists a task", async (language, { command, file, isRequired }) => {
  if (!isRequired && !isInstalled(command)) {
    console.warn(`NOT TESTED: the sample in ${language} of docs/signature-v2.md, because ${command} is not installed here.`);
    return;
  }
  const sample = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(text)?.[1] ?? "";
  expect(sample.trim().split("\n").length).toBeLessThanOrEqual(10);
  await writeFile(join(folder, file), sample);
  const { apikey, apisecret } = server.mine;
  const env = { ...process.env, ATELIER_URL: url, YOUR_API_KEY: apikey, YOUR_API_SECRET: apisecret ?? "" };
  const run = async (): Promise<unknown> => JSON.parse((await promisify(execFile)(command, [file], { cwd: folder, env })).stdout);
  expect(await run()).toMatchObject({ result: true, errors: [], tasklist: [] });
  // Again: every run draws a nonce of its own.
  expect(await run()).toMatchObject({ result: true });
});

it("the example's signature is the one of its lines", () => {
  const lines = /^( {4}atelier-v2\n(?: {4}.*\n){5})/m.exec(text)?.[1]?.trimEnd().split("\n").map((line) => line.trim()) ?? [];
  expect(lines).toHaveLength(6);
  expect(text).toContain(createHmac("sha256", "secret").update(lines.join("\n")).digest("hex"));
});

function isInstalled(command: string): boolean {
  try {
    execFileSync(command, ["-v"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
