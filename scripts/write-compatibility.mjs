// Writes docs/compatibility.md from tests/wire/behaviours.json: node scripts/write-compatibility.mjs [--print]

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

const introduction = `# Compatibility

What clients of Wiro's API do, whether Atelier does it, and the test that shows it. Nothing here is claimed without a test: a
test of this page fails when a named test does not exist or is skipped, and when this page is not the one that
\`node scripts/write-compatibility.mjs\` writes from \`tests/wire/behaviours.json\`. A \`%s\` in a test's name stands for each of
several cases. How each thing looks on the wire is told in [wire-contract.md](wire-contract.md).
`;

const text = (value) => value.replaceAll("|", "\\|");
/** A code span, also of a name that holds a back quote. */
const code = (value) => (value.includes("`") ? `\`\` ${text(value)} \`\`` : `\`${text(value)}\``);

function row({ behaviour, file, test, missing, outOfScope }) {
  if (test !== undefined) return `| ${text(behaviour)} | yes | [${file.split("/").at(-1)}](../${file}): ${code(test)} |`;
  if (missing !== undefined) return `| ${text(behaviour)} | **no** | ${text(missing)} |`;
  return `| ${text(behaviour)} | out of scope | ${text(outOfScope)} |`;
}

function page({ sections, outOfScope }) {
  const all = sections.flatMap((section) => section.behaviours);
  const count = (field) => all.filter((one) => one[field] !== undefined).length;
  const parts = sections.map(({ title, behaviours }) =>
    [`## ${title}\n`, "| What clients do or read | Atelier | Shown by, or why not |", "|---|---|---|", ...behaviours.map(row), ""].join("\n"),
  );
  const sums = `${all.length} behaviours: ${count("test")} shown by tests, ${count("missing")} missing, ${count("outOfScope")} out of scope.\n`;
  const scope = ["## Out of scope\n", "Wiro has these, Atelier does not and will not pretend to:\n", ...outOfScope.map((one) => `- ${one}`), ""];
  return [introduction, sums, ...parts, scope.join("\n")].join("\n");
}

const written = page(JSON.parse(readFileSync(join(root, "tests/wire/behaviours.json"), "utf8")));
if (process.argv.includes("--print")) process.stdout.write(written);
else writeFileSync(join(root, "docs/compatibility.md"), written);
