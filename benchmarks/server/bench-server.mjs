// A real server in a process of its own for the benchmarks of this folder: fresh data, the fake engine allowed, one project.

import { execFileSync, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { openDatabase } from "@atelier/server/db/database";
import { openLog } from "@atelier/server/log";

export const root = join(import.meta.dirname, "../..");
const atelier = join(root, "bin/atelier.mjs");
const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** All load comes from one address and one key. */
const unlimited = { ATELIER_ADDRESS_REQUESTS_PER_MINUTE: "0", ATELIER_KEY_REQUESTS_PER_MINUTE: "0" };

/** Runs `use` with a server of `workers` slots and stops everything afterwards. */
export async function withServer({ workers = 1, env = {} }, use) {
  const data = mkdtempSync(join(tmpdir(), "atelier-benchmark-"));
  mkdirSync(join(data, "models"));
  copyFileSync(join(root, "tests/crash/fake-model.json"), join(data, "models/fake.json"));
  const settings = { ATELIER_FAKE_ENGINE: "1", ATELIER_LOG_LEVEL: "warn", ATELIER_WORKERS: String(workers), ...unlimited, ...env };
  const project = JSON.parse(
    execFileSync(process.execPath, [atelier, "project", "create", "benchmark", "--data", data, "--json"], { encoding: "utf8" }),
  );
  const child = spawn(process.execPath, [atelier, "serve", "--port", "0", "--data", data], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...settings },
  });
  let db;
  try {
    const url = await readyUrl(child);
    const { socketDir } = JSON.parse(readFileSync(join(data, "server.json"), "utf8"));
    db = openDatabase({ log: openLog({ level: "silent", pretty: false }) }, { host: socketDir, user: "atelier", database: "atelier" });
    return await use({ url, pid: child.pid, data, db, call: (path, body) => call(url, project, path, body) });
  } finally {
    await db?.close();
    child.kill("SIGTERM");
    await new Promise((resolve) => child.once("exit", resolve));
    rmSync(data, { recursive: true, force: true });
  }
}

export function residentMb(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
}

async function readyUrl(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^ready (\S+)/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error("the server ended before it was ready");
}

/** POSTs as a client does: signed, kept alive. Node's own client, because fetch costs more than the server under test. */
function call(url, project, path, body) {
  const nonce = String(Math.floor(Date.now() / 1000));
  const text = JSON.stringify(body);
  const headers = {
    "x-api-key": project.apikey,
    "x-nonce": nonce,
    "x-signature": createHmac("sha256", project.apikey).update(project.apisecret + nonce).digest("hex"),
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/v1${path}`, { method: "POST", headers, agent }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(text);
  });
}
