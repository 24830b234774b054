// The report of a soak out of the results of its rounds.

/** `results`: what soak.test.ts wrote, with `about` the machine and commit. */
export function describeSoak(results, { command }) {
  const sum = (pick) => results.reduce((total, result) => total + pick(result), 0);
  const kills = sum((result) => result.kills);
  const violations = results.flatMap((result) => result.violations.map((text) => `seed ${result.seed}: ${text}`));
  const hasFilledDisk = results.every((result) => result.hasFilledDisk);
  const nameOf = (name) => (name === "disk full" && !hasFilledDisk ? `${name} (NOT RUN: no right to mount a small file system here)` : name);
  return [
    `# Soak: ${kills} kills, ${violations.length === 0 ? "no promise broken" : `${violations.length} promises BROKEN`}`,
    "",
    `\`${command}\``,
    "",
    ...Object.entries(results[0]?.about ?? {}).map(([key, value]) => `- ${key}: ${value}`),
    `- commits of the rounds: ${[...new Set(results.map(({ about }) => about.commit))].join(", ")}`,
    `- ${results.length} rounds, ${sum((result) => result.seconds)} s; the machine did other work as well, so no time here is a measurement`,
    "",
    "A server with its own worker and PostgreSQL, and two workers that reach it over HTTP. Two callers send Runs that they repeat",
    "under an `Idempotency-Key` until they are acknowledged, two send each once and without a key; all have callbacks, and some are cancelled or killed.",
    "",
    "| done to it | times |",
    "|---|---|",
    ...Object.entries(total(results.map(({ counts }) => counts))).map(([name, count]) => `| ${isKill(name) ? "kill -9: " : ""}${nameOf(name)} | ${count} |`),
    "",
    "| what came of it | number |",
    "|---|---|",
    `| Runs acknowledged | ${sum((result) => result.acknowledged)} |`,
    ...Object.entries(total(results.map(({ endings }) => endings))).map(([ending, count]) => `| tasks that ended with \`${ending}\` | ${count} |`),
    `| created and given to a waiting worker in one transaction | ${sum((result) => result.handedOver)} |`,
    `| Runs without a key whose answer did not come | ${sum((result) => result.unknown)} |`,
    `| attempts that were lost and run again | ${sum((result) => result.repeatedAttempts)} |`,
    `| rounds at whose end the server stopped with exit code 0 | ${results.filter(({ exitCode }) => exitCode === 0).length} of ${results.length} |`,
    "",
    "Checked afterwards, of every task:",
    "",
    ...(results[0]?.checks ?? []).map((check) => `- ${check}`),
    "",
    violations.length === 0 ? "Violations: 0." : `Violations:\n\n${violations.map((text) => `- ${text}`).join("\n")}`,
    "",
  ].join("\n");
}

function total(records) {
  const sums = {};
  for (const record of records) for (const [name, count] of Object.entries(record)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

function isKill(name) {
  return !/SIGSTOP|half open|disk full/.test(name);
}
