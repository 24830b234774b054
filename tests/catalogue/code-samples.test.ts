import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { codeSamples } from "@atelier/schema/model-page-samples";
import type { CodeSample } from "@atelier/schema/model-page-samples";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startTestServer } from "../../packages/server/src/http/test-server.ts";
import type { TestServer } from "../../packages/server/src/http/test-server.ts";

const execute = promisify(execFile);
const folderOfOutput = "6a6af820-c5050aee-40bd7b83-a2e186c6-7f61f7da-3894e49c-fc0eeb66-9b500fe2";

/** A worker in one statement: whatever waits ends well, with one picture. */
const finishWaiting = `with ended as (
    update tasks set status = 'task_postprocess_end', pexit = '0', elapsed_seconds = 1 where status = 'task_queue' returning id
  )
  insert into outputs (id, task_id, position, name, content_type, size_bytes, access_key, file_key)
  select lpad(id::text, 32, '0'), id, 0, '0.png', 'image/png', 1, lpad(id::text, 30, 'a'), $1 || '/' || id || '.png' from ended`;

describe("the programs on a model's page", () => {
  let server: TestServer;
  let folder: string;
  let url = "";
  let worker: NodeJS.Timeout;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "atelier-samples-"));
    server = await startTestServer({ publicUrl: () => url });
    await server.app.listen({ host: "127.0.0.1", port: 0 });
    // A listening TCP server has an address with a port.
    url = `http://127.0.0.1:${(server.app.server.address() as AddressInfo).port}`;
    worker = setInterval(() => void server.db.query(finishWaiting, [folderOfOutput]).catch(() => undefined), 50);
  });
  afterAll(async () => {
    clearInterval(worker);
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The program of the page itself, out of its HTML, run as its reader would. */
  async function runFromPage(language: CodeSample["language"], command: string, file: string): Promise<string> {
    const page = await (await fetch(`${url}/models/arsmachina/baroque-space-opera-v1`)).text();
    const block = new RegExp(`aria-label="${language} program"><code>([^<]*)</code>`).exec(page)?.[1] ?? "";
    await writeFile(join(folder, file), unescaped(block));
    const env = { ...process.env, YOUR_API_KEY: server.mine.apikey, YOUR_API_SECRET: server.mine.apisecret ?? "" };
    const { stdout } = await execute(command, [file], { cwd: folder, env, timeout: 30_000 });
    return stdout.trim();
  }

  it.each([
    ["Shell", "sh", "run.sh"],
    ["JavaScript", process.execPath, "run.mjs"],
    ["Python", "python3", "run.py"],
  ] as const)("%s runs as it stands and prints the address of the picture", async (language, command, file) => {
    const printed = await runFromPage(language, command, file);
    expect(printed).toMatch(new RegExp(`^${url}/outputs/${folderOfOutput}/[0-9]+\\.png$`));
    const { rows } = await server.db.query<{ parameters: object }>("select parameters from tasks order by id desc limit 1");
    expect(rows[0]?.parameters).toMatchObject({ prompt: "Sci-Fi Baroque Couture Pulp, Portrait", scale: "7.5" });
  });

  it("the commands by hand in the README run as they stand", async () => {
    const readme = await readFile(join(import.meta.dirname, "../../README.md"), "utf8");
    const block = /```bash\n(export YOUR_API_KEY[^]*?)\n```/.exec(readme)?.[1] ?? "";
    const script = block
      .replace('YOUR_API_KEY="…"', `YOUR_API_KEY="${server.mine.apikey}"`)
      .replace('YOUR_API_SECRET="…"', `YOUR_API_SECRET="${server.mine.apisecret}"`)
      .replace("http://127.0.0.1:8420", url);
    const { stdout } = await execute("bash", ["-ec", script], { cwd: folder, env: process.env, timeout: 30_000 });
    const answer = JSON.parse(stdout) as { taskid: string };
    expect(answer).toMatchObject({ result: true, errors: [], taskid: expect.stringMatching(/^[0-9]+$/), socketaccesstoken: expect.any(String) });
    const { rows } = await server.db.query<{ parameters: object }>("select parameters from tasks where id = $1", [answer.taskid]);
    expect(rows[0]?.parameters).toEqual({ prompt: "Sci-Fi Baroque Couture Pulp, Portrait", steps: 8, seed: "64803343" });
  });

  it("the commands of llms.txt run as they stand, from the header to Cancel", async () => {
    const text = await (await fetch(`${url}/models/atelier/starter/llms-full.txt`)).text();
    const blocks = [...text.matchAll(/```bash\n([^]*?)\n```/g)].map((match) => match[1] ?? "");
    expect(blocks).toHaveLength(7);
    const script = blocks
      .join("\necho\n")
      .replace("{{useSelectedProjectAPIKey}}", server.mine.apikey)
      .replace("XXXXXXXXX", server.mine.apisecret ?? "");
    const { stdout } = await execute("bash", ["-ec", script], { cwd: folder, env: process.env, timeout: 30_000 });
    const answers = stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(answers[0]).toMatchObject({ result: true, taskid: expect.any(String) });
    // The sample ids of the page are nobody's.
    for (const answer of answers.slice(1)) expect(answer).toMatchObject({ errors: [{ message: "There is no task yet." }] });
    expect(answers).toHaveLength(6);
  });

  it("carry quotes, dollars and backslashes of a default through the shell unharmed", async () => {
    const manifest = structuredClone(server.context.models.list()[0]);
    const prompt = manifest?.parameters[0]?.items[0];
    if (!manifest || !prompt) throw new Error("no model");
    prompt.default = `it's "$HOME" \`id\` \\n {é}`;
    const [shell] = codeSamples(manifest, `${url}/v1`);
    await writeFile(join(folder, "quotes.sh"), shell?.code ?? "");
    const env = { ...process.env, YOUR_API_KEY: server.mine.apikey, YOUR_API_SECRET: server.mine.apisecret ?? "" };
    await execute("sh", ["quotes.sh"], { cwd: folder, env, timeout: 30_000 });
    const { rows } = await server.db.query<{ parameters: object }>("select parameters from tasks order by id desc limit 1");
    expect(rows[0]?.parameters).toMatchObject({ prompt: prompt.default });
  });
});

function unescaped(text: string): string {
  const characters: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" };
  return text.replaceAll(/&(?:lt|gt|quot|#39|amp);/g, (entity) => characters[entity] ?? entity);
}
