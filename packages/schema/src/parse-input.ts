// Turns the raw values of a request into the validated input of a run: the only place where values are coerced and checked.

import { companionKey, isFileParameter } from "./input-file.ts";
import { fileCounts, parseFiles } from "./parse-files.ts";
import type { FileRules } from "./parse-files.ts";
import { isSeedChosen, parseValue, wellFormed } from "./parse-value.ts";
import type { InputValue, ParseOptions, ProblemCode } from "./parse-value.ts";
import type { Parameter } from "./manifest.ts";
import { kindOf } from "./parameter-kind.ts";
import { choiceCounts } from "./parse-choices.ts";

/** A failure by its registered code; `details` fill that code's text. */
export interface InputFailure {
  readonly code: ProblemCode;
  readonly details: { readonly parameter: string; readonly min?: number; readonly max?: number };
}

export type InputResult =
  | {
      readonly ok: true;
      /** One value per declared parameter; an optional number without value and default is absent. */
      readonly input: Record<string, InputValue>;
      /** The declared parameters as they were sent, for the task's `parameters`; the seed in use is always among them. */
      readonly echo: Record<string, unknown>;
    }
  | { readonly ok: false; readonly failure: InputFailure };

/** Parses the raw values of one request: text, numbers, booleans, null, or lists of one of those (a repeated form key).
 *  `""` and `null` mean "not given", and so does 0 where 0 lies outside the range; the default is used then. Keys that are
 *  not declared are ignored. The first failure in the order of declaration is returned.
 *  Source: docs/wire-contract.md, "Input values". */
export function parseInput(
  parameters: readonly Parameter[],
  raw: Readonly<Record<string, unknown>>,
  options: ParseOptions,
): InputResult {
  const input: Record<string, InputValue> = {};
  const echo: Record<string, unknown> = {};
  for (const parameter of parameters) {
    if (isFileParameter(parameter)) {
      const parsed = parseFiles(parameter, raw, options.files ?? noFiles);
      if ("problem" in parsed) return { ok: false, failure: failureOf(parsed.problem, parameter, options.files?.most) };
      input[parameter.id] = parsed.files;
      Object.assign(echo, sentFiles(parameter, raw));
      continue;
    }
    const sent = sentValue(parameter, raw);
    const parsed = parseValue(parameter, sent, options);
    if ("problem" in parsed) return { ok: false, failure: failureOf(parsed.problem, parameter) };
    if (parsed.value !== undefined) input[parameter.id] = parsed.value;
    if (sent !== undefined) echo[parameter.id] = wellFormedTexts(sent);
    // The seed in use is reported, because a drawn one could not be asked for again otherwise.
    if (parameter.role === "seed" && isSeedChosen(parameter, sent)) echo[parameter.id] = String(parsed.value);
  }
  return { ok: true, input, echo };
}

const noFiles: FileRules = { fileParts: {}, most: 64, urlCharacters: 4_096 };

/** What was sent as text under a file parameter's two names; the files of the body are for the server to name. */
function sentFiles({ id }: Parameter, raw: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const keys = [id, companionKey(id)].filter((key) => Object.hasOwn(raw, key) && raw[key] !== undefined);
  return Object.fromEntries(keys.map((key) => [key, wellFormedTexts(raw[key])]));
}

function wellFormedTexts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(wellFormedTexts);
  return typeof value === "string" ? wellFormed(value) : value;
}

function sentValue(parameter: Parameter, raw: Readonly<Record<string, unknown>>): unknown {
  if (!Object.hasOwn(raw, parameter.id)) return undefined;
  return kindOf(parameter) === "choices" ? raw[parameter.id] : singleOf(raw[parameter.id]);
}

/** The value inside a list of one; an empty list is nothing; longer lists stay lists, which no single value accepts. */
function singleOf(value: unknown): unknown {
  return Array.isArray(value) && value.length <= 1 ? value[0] : value;
}

function failureOf(code: ProblemCode, parameter: Parameter, most = noFiles.most): InputFailure {
  const { id } = parameter;
  const [min, max] = boundsOf(parameter, most);
  return {
    code,
    details: { parameter: id, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) },
  };
}

/** Of the value, or of the number of files or choices. */
function boundsOf(parameter: Parameter, most: number): readonly [min: number | undefined, max: number | undefined] {
  const kind = kindOf(parameter);
  if (kind === "files") return fileCounts(parameter, most);
  return kind === "choices" ? choiceCounts(parameter) : [parameter.min, parameter.max];
}
