// The server under test: a real process with the fake engine, one project that signs and one that does not, and some tasks.

import { execFileSync, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { pixel } from "./encodings.mjs";
import { fileParameters } from "./file-values.mjs";

export const root = join(import.meta.dirname, "../..");
const atelier = join(root, "bin/atelier.mjs");

/** What a server may log here is warnings at most; these words would be faults of its own. */
const fault = /fault|failed|unhandled|uncaught|heap out of memory/i;

export async function startServer() {
  const data = mkdtempSync(join(tmpdir(), "atelier-fuzz-"));
  mkdirSync(join(data, "models/covers"), { recursive: true });
  mkdirSync(join(data, "shipped"));
  for (const manifest of fakeManifests()) writeFileSync(join(data, `models/${manifest.slug}.json`), JSON.stringify(manifest));
  copyFileSync(join(root, "models/covers/Atelier-Starter-cover.jpeg"), join(data, "models/covers/none.jpeg"));
  const create = (name, auth) => {
    const args = [atelier, "project", "create", name, "--auth", auth, "--data", data, "--json"];
    return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
  };
  const [signing, keyOnly] = [create("signing", "signature"), create("key only", "key")];
  const child = spawn(process.execPath, [atelier, "serve", "--port", "0", "--data", data], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...settings, ATELIER_MODELS: join(data, "shipped") },
  });
  const server = { data, child, faults: [], url: "", headersOf: (as) => headersOf(as === "signing" ? signing : keyOnly) };
  createInterface({ input: child.stderr }).on("line", (line) => fault.test(line) && server.faults.push(line.slice(0, 1_000)));
  for await (const line of createInterface({ input: child.stdout })) {
    server.url = /^ready (\S+)/.exec(line)?.[1] ?? "";
    if (server.url) break;
  }
  if (!server.url) throw new Error("the server ended before it was ready");
  server.port = Number(new URL(server.url).port);
  server.tasks = await makeTasks(server);
  server.files = await uploadFiles(server);
  return server;
}

/** Returns the exit code. */
export async function stopServer({ child, data }) {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGTERM");
    await new Promise((resolve) => child.once("exit", resolve));
  }
  rmSync(data, { recursive: true, force: true });
  return child.exitCode;
}

export function residentMib({ child }) {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))[1]) / 1024;
  } catch {
    return 0; // not Linux, or the server is gone, which its exit tells
  }
}

/** No limit of requests: this machine would use it up at once, and nothing behind it would be tried. */
const settings = {
  ATELIER_FAKE_ENGINE: "1",
  ATELIER_LOG_LEVEL: "warn",
  ATELIER_LOG_FORMAT: "json",
  ATELIER_WORKERS: "2",
  ATELIER_KEY_REQUESTS_PER_MINUTE: "0",
  ATELIER_ADDRESS_REQUESTS_PER_MINUTE: "0",
};

/** The fake model of the crash tests, with runs so short that they do not pile up, and one with parameters of the other
 *  types. The shipped models would be drawn for real. */
function fakeManifests() {
  const manifest = JSON.parse(readFileSync(join(root, "tests/crash/fake-model.json"), "utf8"));
  for (const item of manifest.parameters[0].items) if (item.id === "steps" || item.id === "samples") item.max = 2;
  manifest.parameters[0].items.find((item) => item.id === "steps").default = "1";
  const { items } = manifest.parameters[0];
  const more = [
    { id: "style", type: "select", label: "style", default: "a", options: [{ label: "A", value: "a" }, { label: "One", value: "1" }] },
    { id: "tile", type: "checkbox", label: "tile" },
    { id: "shift", type: "range", label: "shift", default: "0", min: -1, max: 1 },
    { id: "note", type: "text", label: "note", required: true },
    { id: "panels", type: "integer", label: "panels", default: "3", min: 1, max: 12 },
    { id: "grain", type: "numeric", label: "grain", default: "0.5", min: 0.25, max: 1 },
    { id: "motifs", type: "multiselect", label: "motifs", max: 2, options: ["a", "b", "7"].map((value) => ({ label: value, value })) },
    { id: "ground", type: "color", label: "ground", default: "#ffffff" },
    ...fileParameters.map((one) => ({ label: one.id, ...one })),
  ];
  return [manifest, { ...manifest, id: "9002", slug: "More", parameters: [{ title: "All", items: [...items, ...more] }] }];
}

function headersOf({ apikey, apisecret }) {
  if (!apisecret) return { "x-api-key": apikey };
  const signature = createHmac("sha256", apikey).update(`${apisecret}1734513807`).digest("hex");
  return { "x-api-key": apikey, "x-nonce": "1734513807", "x-signature": signature };
}

/** Ids and tokens that requests can name: of both projects, one of them cancelled as soon as it can be. */
async function makeTasks(server) {
  const tasks = [];
  for (const as of ["signing", "signing", "keyOnly"]) {
    const post = (path, body) =>
      fetch(`${server.url}${path}`, { method: "POST", headers: server.headersOf(as), body: JSON.stringify(body) }).then((answer) => answer.json());
    const { taskid, socketaccesstoken } = await post("/v1/Run/test/fake/sync", { prompt: "a pixel" }).then(({ tasklist }) => ({
      taskid: tasklist[0].id,
      socketaccesstoken: tasklist[0].socketaccesstoken,
    }));
    tasks.push({ as, taskid, token: socketaccesstoken });
  }
  return tasks;
}

/** A file of each project. */
async function uploadFiles(server) {
  const upload = async (as) => {
    const body = new FormData();
    body.append("file", new Blob([pixel]), "a.png");
    const answer = await fetch(`${server.url}/v1/File/Upload`, { method: "POST", headers: server.headersOf(as), body });
    const { id, url } = (await answer.json()).list[0];
    return { id, url };
  };
  return [await upload("signing"), await upload("keyOnly")];
}
