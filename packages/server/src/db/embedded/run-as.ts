// Decides as whom PostgreSQL runs: it refuses uid 0, and containers and fresh machines run everything as root.

import { spawn } from "node:child_process";
import { chown, lstat, readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

import { OperatorError } from "../../operator-error.ts";

/** `auto` tries `namespace` (root seen as another uid, files stay root's), then `user` (another uid, files given to it). */
export type RunAsChoice = "auto" | "namespace" | "user";

export interface RunAs {
  readonly kind: "self" | "namespace" | "user" | "user-with-file-access";
  /** The owner that files for PostgreSQL need; undefined: leave them as they are. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Wraps a command line: program first. */
  wrap(command: readonly string[]): string[];
}

export interface ProbeDeps {
  /** The postgres program and its environment. */
  readonly postgres: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Picks the first way that works here, shown by running `postgres --version` that way beside the data.
 *  `clusterDir`: PostgreSQL's folder (its parent must exist); when it exists, its owner decides.
 *  Throws POSTGRES_START_FAILED when no way works. */
export async function chooseRunAs(deps: ProbeDeps, clusterDir: string, choice: RunAsChoice): Promise<RunAs> {
  if (process.geteuid?.() !== 0) return self;
  const owner = await stat(clusterDir).catch(() => undefined);
  const account = await findAccount(owner?.uid);
  const candidates = [];
  const ownedByOther = owner !== undefined && owner.uid !== 0;
  if (choice !== "user" && !ownedByOther) candidates.push(asNamespace(account));
  if (choice !== "namespace") candidates.push(asUser(account), asUserWithFileAccess(account));
  for (const candidate of candidates) {
    if (await works(deps, candidate, dirname(clusterDir))) return candidate;
  }
  throw new OperatorError("POSTGRES_START_FAILED", {
    problem: "PostgreSQL does not run as root, and this machine lets root neither map itself to another user nor become one.",
    remedy: "Start Atelier as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.",
  });
}

/** Gives a folder and all in it to the user PostgreSQL runs as; itself last, so that its owner tells whether all was given. */
export async function giveFolder(path: string, runAs: RunAs): Promise<void> {
  if (!runAs.owner) return;
  const info = await lstat(path);
  if (info.isDirectory()) {
    for (const name of await readdir(path)) await giveFolder(join(path, name), runAs);
  }
  if (!info.isSymbolicLink()) await chown(path, runAs.owner.uid, runAs.owner.gid);
}

const self: RunAs = { kind: "self", owner: undefined, wrap: (command) => [...command] };

interface Account {
  readonly uid: number;
  readonly gid: number;
}

function asNamespace({ uid, gid }: Account): RunAs {
  const prefix = ["unshare", "--user", `--map-user=${uid}`, `--map-group=${gid}`, "--"];
  return { kind: "namespace", owner: undefined, wrap: (command) => [...prefix, ...command] };
}

function asUser(owner: Account): RunAs {
  const prefix = ["setpriv", `--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups", "--"];
  return { kind: "user", owner, wrap: (command) => [...prefix, ...command] };
}

/** Another uid that may still pass root's closed folders (a clone under /root): one capability, which containers have. */
function asUserWithFileAccess(owner: Account): RunAs {
  const prefix = [
    "setpriv",
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--",
  ];
  return { kind: "user-with-file-access", owner, wrap: (command) => [...prefix, ...command] };
}

/** An account that exists, because initdb asks for its name: the cluster's owner, else postgres, else nobody, else any. */
async function findAccount(ownerUid: number | undefined): Promise<Account> {
  const lines = (await readFile("/etc/passwd", "utf8").catch(() => "")).split("\n");
  const accounts = lines
    .map((line) => line.split(":"))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter((account) => account.uid > 0 && Number.isInteger(account.gid));
  const found =
    accounts.find((account) => account.uid === ownerUid) ??
    accounts.find((account) => account.name === "postgres") ??
    accounts.find((account) => account.name === "nobody") ??
    accounts[0];
  if (ownerUid !== undefined && ownerUid !== 0 && found?.uid !== ownerUid) return { uid: ownerUid, gid: ownerUid };
  return found ?? { uid: 65_534, gid: 65_534 };
}

async function works(deps: ProbeDeps, runAs: RunAs, folder: string): Promise<boolean> {
  const script = 'cd "$1" && exec "$0" --version';
  const [program = "", ...rest] = runAs.wrap(["/bin/sh", "-c", script, deps.postgres, folder]);
  const child = spawn(program, rest, { stdio: "ignore", env: { ...deps.environment, PATH: searchPath } });
  return new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("exit", (code) => resolve(code === 0));
  });
}

/** PostgreSQL gets no variable of ours: this process may hold secrets in its environment. */
export const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
