// Runs what docs/webhooks.md shows: both receivers against a real server, and every command.

import { execFile, execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import { afterAll, beforeAll, expect, test } from "vitest";

import { CrashServer } from "../crash/crash-server.ts";

const root = join(import.meta.dirname, "../..");
const environment = { ATELIER_OUTBOUND_ALLOW: "127.0.0.1", ATELIER_MODELS: "tests/webhooks/no-models" };
const children: ChildProcess[] = [];
let server: CrashServer;
let text = "";

beforeAll(async () => {
  Object.assign(process.env, environment);
  text = await readFile(join(root, "docs/webhooks.md"), "utf8");
  server = await CrashServer.create();
  await server.start();
});

afterAll(async () => {
  for (const child of children) child.kill();
  await server.remove();
  for (const name of Object.keys(environment)) delete process.env[name];
});

const hasPython = ((): boolean => {
  try {
    execFileSync("python3", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

/** Runs a command line. */
async function atelier(line: string): Promise<string> {
  const args = [join(root, "bin/atelier.mjs"), ...line.split(" ")];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ATELIER_DATA: server.folder } });
  return stdout.trim();
}

/** Runs a command line that the document has; `stands`: what replaces the number that it gives as an example. */
async function documented(line: string, stands: Readonly<Record<string, string>> = {}): Promise<string> {
  expect(text).toContain(`    npx atelier ${line}\n`);
  return atelier(Object.entries(stands).reduce((changed, [example, value]) => changed.replace(example, value), line));
}

/** Starts the sample in `language`; its lines come one by one. */
async function startSample(language: "js" | "python", secret: string): Promise<{ url: string; nextLine(): Promise<string> }> {
  const code = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(text)?.[1] ?? "";
  const file = join(server.folder, language === "js" ? "receiver.mjs" : "receiver.py");
  await writeFile(file, code);
  const child = spawn(language === "js" ? process.execPath : "python3", [file], {
    env: { ...process.env, WEBHOOK_SECRET: secret, PORT: "0" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => String((await lines.next()).value);
  const port = /^listening (\d+)$/.exec(await nextLine())?.[1];
  return { url: `http://127.0.0.1:${port}/hook`, nextLine };
}

const run = (callbackUrl: string) => server.call("/Run/test/fake", { prompt: "stepMs=1", samples: 1, callbackUrl });

test.for(["js", "python"] as const)("the receiver in %s takes a genuine callback and refuses a forged one", async (language, { skip }) => {
  skip(language === "python" && !hasPython, "there is no python3 here");
  const [secret = ""] = (await documented("webhook secret 1")).split("\n");
  const receiver = await startSample(language, secret);
  const { taskid } = await run(receiver.url);
  expect(await receiver.nextLine()).toMatch(new RegExp(`^${taskid} task_postprocess_end 0`));
  const forged = { "webhook-id": "msg_1", "webhook-timestamp": String(Math.floor(Date.now() / 1000)), "webhook-signature": "v1,AAAA" };
  for (const headers of [forged, {}]) {
    const answer = await fetch(receiver.url, { method: "POST", headers, body: "{}" });
    expect(answer.status).toBe(401);
  }
});

test("a callback is listed, sent again, and signed with both secrets after a rotation", async () => {
  const [old = ""] = (await documented("webhook secret 1")).split("\n");
  const secrets = (await documented("webhook secret 1 --rotate")).split("\n");
  expect(secrets).toEqual([expect.stringMatching(/^whsec_/), old]);
  const receiver = await startSample("js", old);
  const { taskid } = await run(receiver.url);
  await receiver.nextLine();
  const listed = await documented("webhook list 1");
  const id = new RegExp(`^(\\d+)  \\w+ +task ${taskid}  ${receiver.url}`, "m").exec(listed)?.[1] ?? "";
  expect(listed).toMatch(/try 1 {2}\S+ {2}(acknowledged \(204\)|no outcome)/);
  expect(await documented("webhook redeliver 1 7", { " 7": ` ${id}` })).toContain("is due");
  expect(await receiver.nextLine()).toMatch(new RegExp(`^${taskid} `));
  expect(JSON.parse(await atelier(`webhook redeliver 1 ${id} --json`))).toEqual({ id, isDue: true });
  expect(await receiver.nextLine()).toMatch(new RegExp(`^${taskid} `));
});

test("a project or delivery that does not exist is told in words", async () => {
  for (const line of ["webhook secret 999", "webhook redeliver 1 999999"]) {
    await expect(atelier(line)).rejects.toMatchObject({ stderr: expect.stringMatching(/There is no (project "999"|such delivery)/) });
  }
});
