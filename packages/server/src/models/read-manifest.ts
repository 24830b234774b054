// Reads one manifest and checks what its form alone cannot say: that its own defaults and examples can be run.

import { manifestSchema } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";
import { parseInput } from "@atelier/schema/parse-input";

import { limits } from "../limits.ts";
import { OperatorError } from "../operator-error.ts";
import { lineOfPath, lineOfSyntaxError } from "./json-position.ts";

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly text: string;
}

const numericTypes = ["number", "float", "range"];

/** Parses the text of the manifest `file`.
 *  Throws CONFIG_INVALID naming file, line and field of every problem. */
export function readManifest(file: string, text: string): Manifest {
  const parsed = manifestSchema.safeParse(parseJson(file, text));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => ({ path: issue.path, text: issue.message }));
    throw manifestError(file, text, problems);
  }
  const problems = problemsOf(parsed.data);
  if (problems.length > 0) throw manifestError(file, text, problems);
  return parsed.data;
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // JSON.parse throws nothing else.
    const syntaxError = error as SyntaxError;
    throw invalid(`${file}:${lineOfSyntaxError(text, syntaxError)}: ${syntaxError.message}.`, error);
  }
}

function problemsOf(manifest: Manifest): Problem[] {
  return [...parameterProblems(manifest), ...repeatedIds(manifest), ...valueProblems(manifest)];
}

function parameterProblems(manifest: Manifest): Problem[] {
  const problems: Problem[] = [];
  for (const [group, { items }] of manifest.parameters.entries()) {
    for (const [index, item] of items.entries()) {
      const path = ["parameters", group, "items", index];
      const isRanged = numericTypes.includes(item.type) || item.role === "seed";
      if (isRanged && (item.min === undefined || item.max === undefined)) {
        problems.push({ path, text: "a number needs both min and max" });
      }
      if (item.type === "select" && !item.options?.length) problems.push({ path, text: "a select needs options" });
    }
  }
  return problems;
}

function repeatedIds(manifest: Manifest): Problem[] {
  const ids = manifest.parameters.flatMap((group) => group.items).map((item) => item.id);
  const repeated = ids.filter((id, index) => ids.indexOf(id) !== index);
  return repeated.map((id) => ({ path: ["parameters"], text: `the parameter ${id} is declared twice` }));
}

/** Defaults and examples go through the same parser as a request does. */
function valueProblems(manifest: Manifest): Problem[] {
  const items = manifest.parameters.flatMap((group) => group.items);
  const options = { drawSeed: () => 0, textCharacters: limits.textCharacters };
  // A required parameter may have no default: callers fill it in.
  const optional = items.map((item) => ({ ...item, required: false }));
  const problems: Problem[] = [];
  const defaults = parseInput(optional, {}, options);
  if (!defaults.ok) {
    problems.push({ path: ["parameters"], text: `the default of ${defaults.failure.details.parameter} is not valid` });
  }
  for (const [index, example] of manifest.examples.entries()) {
    const path = ["examples", index];
    const result = parseInput(optional, example, options);
    if (!result.ok) problems.push({ path, text: `the value of ${result.failure.details.parameter} is not valid` });
    const unknown = Object.keys(example).filter((key) => !items.some((item) => item.id === key));
    problems.push(...unknown.map((key) => ({ path: [...path, key], text: "no such parameter" })));
  }
  return problems;
}

function manifestError(file: string, text: string, problems: readonly Problem[]): OperatorError {
  const lines = problems.map(
    ({ path, text: problem }) => `${file}:${lineOfPath(text, path)}: ${path.join(".") || "manifest"}: ${problem}.`,
  );
  return invalid(lines.join("\n"), undefined);
}

function invalid(problem: string, cause: unknown): OperatorError {
  return new OperatorError("CONFIG_INVALID", { problem, remedy: "Correct the manifest." }, { cause });
}
