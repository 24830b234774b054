// Where a report comes from: the command as it was given, and the commit that ran.

import { execFileSync } from "node:child_process";
import { basename, isAbsolute, join, relative } from "node:path";

export const root = join(import.meta.dirname, "..");

/** What benchmarks write themselves: a report of one does not change what the next one measures. */
const reports = [":!benchmarks/results", ":!benchmarks/capacity/calibration.json"];

/** The commit checked out in `folder` now, and whether the tree differs from it. */
export function commitOf(folder = root) {
  const git = (...args) => execFileSync("git", args, { cwd: folder, encoding: "utf8" }).trim();
  const changes = git("status", "--porcelain", "--", ".", ...reports);
  return git("rev-parse", "--short", "HEAD") + (changes === "" ? "" : " with changes");
}

/** The command that runs this process. `chosen`: options whose values it chose itself, such as a seed, to be named when they were not given. */
export function commandLine({ chosen = {}, process: { argv, execPath, version } = process } = {}) {
  const [script, ...args] = argv.slice(1);
  // `npx node@24` downloads that Node and runs it from its cache.
  const node = execPath.includes("/_npx/") ? `npx -y --ignore-scripts=false node@${version.slice(1).split(".")[0]}` : "node";
  const added = Object.entries(chosen).filter(([name]) => !args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`)));
  const words = [relative(root, script), ...args.map(withoutFolders), ...added.flatMap(([name, value]) => [`--${name}`, String(value)])];
  return [node, ...words.map(quoted)].join(" ");
}

/** Folders of the machine outside the project say nothing to a reader. */
function withoutFolders(arg) {
  return isAbsolute(arg) ? basename(arg) : arg;
}

function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
