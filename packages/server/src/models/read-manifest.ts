// Reads one manifest and checks what its form alone cannot say: that its own defaults and examples can be run.

import { manifestSchema } from "@atelier/schema/manifest";
import type { Manifest, Parameter } from "@atelier/schema/manifest";
import { hasOptions, isNumeric, kindOf } from "@atelier/schema/parameter-kind";
import { choiceCounts } from "@atelier/schema/parse-choices";
import { fileCounts } from "@atelier/schema/parse-files";
import { parseInput } from "@atelier/schema/parse-input";

import { limits } from "../limits.ts";
import { imageInputProblem } from "./image-input.ts";
import { fileProblems, parseJsonFile } from "./json-file.ts";
import type { FieldProblem } from "./json-file.ts";

/** Parses the text of the manifest `file`.
 *  Throws CONFIG_INVALID naming file, line and field of every problem. */
export function readManifest(file: string, text: string): Manifest {
  const source = { file, text, kind: "manifest" };
  const manifest = parseJsonFile(source, manifestSchema);
  const problems = problemsOf(manifest);
  if (problems.length > 0) throw fileProblems(source, problems);
  return manifest;
}

function problemsOf(manifest: Manifest): FieldProblem[] {
  return [...parameterProblems(manifest), ...repeatedIds(manifest), ...priceProblems(manifest), ...valueProblems(manifest)];
}

function parameterProblems(manifest: Manifest): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const [group, { items }] of manifest.parameters.entries()) {
    for (const [index, item] of items.entries()) {
      const path = ["parameters", group, "items", index];
      const isRanged = isNumeric(item) || item.role === "seed";
      if (isRanged && (item.min === undefined || item.max === undefined)) {
        problems.push({ path, text: "a number needs both min and max" });
      }
      problems.push(...optionProblems(item).map((text) => ({ path: [...path, "options"], text })));
    }
  }
  return problems;
}

function optionProblems(item: Parameter): string[] {
  if (!hasOptions(item)) return [];
  const options = item.options ?? [];
  if (options.length === 0) return [`a ${item.type} needs options`];
  const hasCommas = kindOf(item) === "choices" && options.some(({ value }) => /,|^\s*\[|^\s*$/.test(value));
  const lacksCovers = item.type === "selectwithcover" && options.some(({ cover }) => cover === undefined);
  return [
    ...(hasCommas ? ["a value of a multiselect is not empty, has no comma and begins with no bracket: several are sent with commas between them"] : []),
    ...(lacksCovers ? ["each option of a selectwithcover needs a cover"] : []),
  ];
}

function repeatedIds(manifest: Manifest): FieldProblem[] {
  const ids = manifest.parameters.flatMap((group) => group.items).map((item) => item.id);
  const repeated = ids.filter((id, index) => ids.indexOf(id) !== index);
  return repeated.map((id) => ({ path: ["parameters"], text: `the parameter ${id} is declared twice` }));
}

/** A price that no run can meet would never be charged. */
function priceProblems({ parameters, prices }: Manifest): FieldProblem[] {
  const items = new Map(parameters.flatMap((group) => group.items).map((item) => [item.id, item]));
  const last = prices.findIndex(({ inputs }) => Object.keys(inputs).length === 0);
  return prices.flatMap(({ inputs }, index) => {
    const isHidden = last >= 0 && index > last;
    const problems = Object.entries(inputs).map(([id, wanted]) => ({ path: ["prices", index, "inputs", id], text: wantedProblem(items.get(id), wanted) }));
    return [
      ...(isHidden ? [{ path: ["prices", index], text: `prices.${last} is charged for any run, so this one never would be` }] : []),
      ...problems.flatMap(({ path, text }) => (text === undefined ? [] : [{ path, text }])),
    ];
  });
}

function wantedProblem(item: Parameter | undefined, wanted: string): string | undefined {
  if (!item) return "there is no such parameter";
  const isCounted = ["files", "choices"].includes(kindOf(item));
  const quantity = /^QUANTITY:([0-9]+)$/.exec(wanted)?.[1];
  if (isCounted && quantity === undefined) return "of files and choices the number is priced: QUANTITY:n";
  if (quantity === undefined) return valueProblem(item, wanted);
  return isCounted ? quantityProblem(item, Number(quantity)) : "only files and choices have a QUANTITY";
}

/** A run has none where nothing is given and nothing takes its place. */
function quantityProblem(item: Parameter, quantity: number): string | undefined {
  const [min, max] = kindOf(item) === "files" ? fileCounts(item, limits.inputFiles) : choiceCounts(item);
  const mayBeNone = !item.required && item.default === "";
  if ((quantity >= min && quantity <= max) || (quantity === 0 && mayBeNone)) return undefined;
  return `a run has between ${min} and ${max} of ${item.id}${mayBeNone ? ", or none" : ""}`;
}

/** Prices are compared with the values that runs store: what stands for another value, or is written otherwise, never matches. */
function valueProblem(item: Parameter, wanted: string): string | undefined {
  // No price is of a drawn seed: NaN is how none is written.
  const parsed = parseInput([item], { [item.id]: wanted }, { drawSeed: () => Number.NaN, textCharacters: limits.textCharacters });
  if (parsed.ok && String(parsed.input[item.id] ?? "") === wanted) return undefined;
  return hasOptions(item) ? `${wanted} is no option of ${item.id}` : `no run has ${item.id} as ${JSON.stringify(wanted)}: give a valid value as it is stored (8, not 8.0)`;
}

/** Defaults and examples go through the same parser as a request does. */
function valueProblems(manifest: Manifest): FieldProblem[] {
  const items = manifest.parameters.flatMap((group) => group.items);
  const options = { drawSeed: () => 0, textCharacters: limits.textCharacters };
  // A required parameter may have no default: callers fill it in.
  const optional = items.map((item) => ({ ...item, required: false }));
  const problems: FieldProblem[] = [];
  const defaults = parseInput(optional, {}, options);
  if (!defaults.ok) {
    problems.push({ path: ["parameters"], text: `the default of ${defaults.failure.details.parameter} is not valid` });
  } else if (manifest.variants.some(({ operation }) => operation === undefined)) {
    const problem = imageInputProblem(defaults.input);
    if (problem) problems.push({ path: ["parameters"], text: `no engine can take the default of ${problem.parameter}: ${problem.text}` });
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
