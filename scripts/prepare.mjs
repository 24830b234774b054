// Makes a clone ready to run: installs what is missing, builds what is stale. Plain Node, for it runs before any install.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import { withPrepareLock } from "./prepare-lock.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const oldestNode = [20, 19];

/** Installs and builds when needed; silent when nothing is. Messages go to stderr. Aborting `signal` ends it.
 *  Throws an Error whose message says what failed; the tool's own output has been shown by then. */
export async function prepare(signal) {
  checkNode();
  if (isInstalled() && isBuilt()) return;
  const onWait = () => say("waiting for another command that installs or builds here ...");
  await withPrepareLock({ path: lockPath(), signal, onWait }, async () => {
    if (!isInstalled()) await install(signal);
    if (!isBuilt()) await build(signal);
  });
}

/** Runs a program of this repository with its output on stderr. Resolves with its exit code. */
export async function runTool(command, args, { signal, env = process.env, stdout = 2 } = {}) {
  signal?.throwIfAborted();
  const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", stdout, 2] });
  // A terminal's Ctrl-C reaches the child by itself; a signal to this process alone does not.
  const stop = () => child.kill("SIGTERM");
  signal?.addEventListener("abort", stop);
  try {
    const code = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (exitCode) => resolve(exitCode ?? 1));
    });
    signal?.throwIfAborted();
    return code;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** A controller that SIGINT, SIGTERM and SIGHUP abort, from now until this process ends. */
export function endOnSignals() {
  const ending = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => ending.abort(new Error(name)));
  return ending;
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new Error(`Node ${process.versions.node} is too old: Atelier needs ${oldestNode.join(".")} or newer (https://nodejs.org).`);
}

/** True when node_modules holds what package-lock.json asks for. Optional packages of other platforms may be missing. */
function isInstalled() {
  const folder = join(root, "node_modules");
  // Someone's own arrangement (a link to a shared folder): theirs to keep up to date.
  if (existsSync(folder) && lstatSync(folder).isSymbolicLink()) return true;
  const wanted = readPackages(join(root, "package-lock.json"));
  const present = readPackages(join(folder, ".package-lock.json"));
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    if (!path.startsWith("node_modules/") || link) return true;
    const found = present[path];
    return found ? found.version === version : optional === true;
  });
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch {
    return undefined;
  }
}

async function install(signal) {
  say("installing dependencies (npm ci), about a minute the first time ...");
  const startedAt = Date.now();
  // The install step of onnxruntime-node would fetch CUDA libraries; what the CPU needs is in the package.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" };
  const npm = process.env["npm_execpath"];
  const [command, ...first] = npm?.endsWith("js") ? [process.execPath, npm] : ["npm"];
  // Whatever NODE_ENV says: the build needs the compiler, which is a dependency of development.
  const args = [...first, "ci", "--include=dev", "--include=optional", "--loglevel=error"];
  const code = await runTool(command, args, { signal, env });
  if (code !== 0) throw new Error("npm ci failed; its reason stands above.");
  say(`installed in ${seconds(startedAt)}`);
}

function isBuilt() {
  try {
    return readFileSync(stampPath, "utf8") === sourcesHash() && existsSync(join(root, "packages/server/dist/cli/atelier.js"));
  } catch {
    return false;
  }
}

const stampPath = join(root, "packages/server/dist/.sources");

/** Also true while editing: by content, not by time, which a checkout changes. About 20 ms for 150 files. */
function sourcesHash() {
  const hash = createHash("sha256");
  const shared = ["tsconfig.base.json", "tsconfig.json", "package-lock.json"].map((name) => join(root, name));
  for (const path of [...shared, ...sources()]) {
    hash.update(`${relative(root, path)}\0`).update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

function sources() {
  return ["packages", "engines"].flatMap((group) =>
    readdirSync(join(root, group), { withFileTypes: true })
      .filter((entry) => existsSync(join(root, group, entry.name, "tsconfig.json")))
      .flatMap(({ name }) => [
        ...["package.json", "tsconfig.json"].map((file) => join(root, group, name, file)),
        ...typescriptIn(join(root, group, name, "src")),
      ]),
  );
}

function typescriptIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .sort()
    .map((name) => join(folder, name));
}

async function build(signal) {
  say("building ...");
  const startedAt = Date.now();
  const hash = sourcesHash();
  const code = await runTool(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b"], { signal });
  if (code !== 0) throw new Error("the build failed; its errors stand above.");
  mkdirSync(dirname(stampPath), { recursive: true });
  writeFileSync(stampPath, hash);
  say(`built in ${seconds(startedAt)}`);
}

/** Not in the clone, where a killed command would leave it among the sources. One per user: others' files cannot be moved. */
function lockPath() {
  const id = createHash("sha256").update(`${root}\0${process.getuid?.() ?? ""}`).digest("hex").slice(0, 16);
  return join(tmpdir(), `atelier-prepare-${id}.lock`);
}

function say(text) {
  process.stderr.write(`atelier: ${text}\n`);
}

function seconds(startedAt) {
  return `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
}
