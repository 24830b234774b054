// A server of this repository on an empty data folder, for the time of drawing: runs models over HTTP as any client does.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

import { root } from "../prepare.mjs";

const atelier = join(root, "bin/atelier.mjs");
const pollMs = 50;

/** Starts a server, hands `use` the function that draws, and stops the server again. */
export async function withPictureServer(use) {
  const data = mkdtempSync(join(tmpdir(), "atelier-pictures-"));
  const project = JSON.parse(
    execFileSync(process.execPath, [atelier, "project", "create", "pictures", "--auth", "key", "--data", data, "--json"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  const child = spawn(process.execPath, [atelier, "serve", "--port", "0", "--data", data], { stdio: ["ignore", "pipe", "ignore"] });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  try {
    const url = await readyAddress(child);
    return await use((model, input) => draw({ url, apiKey: project.apikey }, model, input));
  } finally {
    child.kill("SIGTERM");
    await exited;
    rmSync(data, { recursive: true, force: true });
  }
}

/** Runs a model with its defaults but for `input`. Returns the PNG files, one per sample. */
async function draw(server, model, input) {
  const { taskid } = await call(server, `/Run/${model}`, input);
  for (;;) {
    const [task] = (await call(server, "/Task/Detail", { taskid })).tasklist;
    if (task.status === "task_postprocess_end" && task.pexit === "0") {
      const answers = await Promise.all(task.outputs.map((output) => fetch(output.url)));
      return Promise.all(answers.map(async (answer) => Buffer.from(await answer.arrayBuffer())));
    }
    if (task.status === "task_postprocess_end") throw new Error(`the run failed: ${task.debugerror}`);
    if (task.status === "task_cancel") throw new Error("the run was cancelled");
    await delay(pollMs);
  }
}

async function call({ url, apiKey }, path, body) {
  const headers = { "x-api-key": apiKey, "content-type": "application/json" };
  const response = await fetch(`${url}/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!answer.result) throw new Error(JSON.stringify(answer.errors));
  return answer;
}

async function readyAddress(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^ready (\S+)/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error("the server ended before it was ready");
}
