// Coerces and checks one raw value against its declared parameter.

import type { FileRules } from "./parse-files.ts";
import type { NamedFile } from "./input-file.ts";
import type { Parameter } from "./manifest.ts";
import { isNumeric, kindOf } from "./parameter-kind.ts";
import { choiceCounts, listedTexts } from "./parse-choices.ts";

export type InputValue = string | number | boolean | readonly string[] | readonly NamedFile[];

export type ProblemCode =
  | "PARAMETER_REQUIRED"
  | "PARAMETER_NOT_NUMBER"
  | "PARAMETER_OUT_OF_RANGE"
  | "PARAMETER_INVALID"
  | "FILES_REQUIRED";

export interface ParseOptions {
  /** Draws a seed between 0 and 4294967295; called only where the caller left the seed to the server. */
  readonly drawSeed: () => number;
  /** The longest text accepted, in UTF-16 code units. */
  readonly textCharacters: number;
  /** Bounds and parts of file parameters; without them no file is given and a few may be. */
  readonly files?: FileRules;
}

export type ParsedValue = { readonly value: InputValue | undefined } | { readonly problem: ProblemCode };

const plainNumber = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i;
const checkboxValues = new Map<string, boolean>([
  ["true", true],
  ["on", true],
  ["1", true],
  ["false", false],
  ["off", false],
  ["0", false],
]);

/** `sent` is undefined when the key is absent from the request. */
export function parseValue(parameter: Parameter, sent: unknown, options: ParseOptions): ParsedValue {
  if (kindOf(parameter) === "choices") return parseChoices(parameter, sent, options);
  // A number, too: it may stand behind megabytes of spaces, and is kept as it was sent.
  if (isNested(sent) || (typeof sent === "string" && sent.length > options.textCharacters)) return { problem: "PARAMETER_INVALID" };
  if (parameter.role === "seed") return parseSeed(parameter, sent, options);
  if (!isLeftOut(parameter, sent)) return coerce(parameter, sent);
  if (parameter.default !== "") return coerce(parameter, parameter.default);
  if (parameter.required) return { problem: "PARAMETER_REQUIRED" };
  return { value: valueOfNothing(parameter) };
}

/** Whether a value counts as "not given", so that the default takes its place. */
function isLeftOut(parameter: Parameter, sent: unknown): boolean {
  if (sent === undefined || sent === null || sent === "") return true;
  if (parameter.role !== "seed" && !isNumeric(parameter)) return false;
  if (typeof sent === "string" && sent.trim() === "") return true;
  return numberOf(sent) === 0 && !isWithin(parameter, 0);
}

/** Whether the seed of a run is another than what was sent: the default, or a drawn one. */
export function isSeedChosen(parameter: Parameter, sent: unknown): boolean {
  return isLeftOut(parameter, sent) || numberOf(sent) === -1;
}

function coerce(parameter: Parameter, sent: unknown): ParsedValue {
  switch (kindOf(parameter)) {
    case "text":
      return parseText(sent);
    case "choice":
      return parseChoice(parameter, sent);
    case "truth":
      return parseCheckbox(sent);
    case "whole":
      return parseNumber(parameter, sent, { mustBeInteger: true });
    case "decimal":
      return parseNumber(parameter, sent, { mustBeInteger: false });
    case "colour":
      return parseColour(sent);
    default:
      // Files are read by parseFiles, for a request may name them in three places; choices before, for they are lists.
      return { problem: "PARAMETER_INVALID" };
  }
}

/** A seed that is not given is the default: some clients send every field of a form, untouched ones empty, and their runs must
 *  be the default's. -1 is drawn, and so is an empty default. */
function parseSeed(parameter: Parameter, sent: unknown, options: ParseOptions): ParsedValue {
  const asked = isLeftOut(parameter, sent) ? parameter.default : sent;
  if (isSeedChosen(parameter, asked)) return { value: options.drawSeed() };
  return parseNumber(parameter, asked, { mustBeInteger: true });
}

function parseText(sent: unknown): ParsedValue {
  const text = String(sent);
  // PostgreSQL stores no NUL, and no prompt needs one.
  if (text.includes("\0")) return { problem: "PARAMETER_INVALID" };
  return { value: wellFormed(text) };
}

function parseChoice(parameter: Parameter, sent: unknown): ParsedValue {
  const text = String(sent);
  return isOption(parameter, text) ? { value: text } : { problem: "PARAMETER_INVALID" };
}

/** `min` and `max` bound the number of choices. Nothing chosen is the default, and none of an optional parameter without one. */
function parseChoices(parameter: Parameter, sent: unknown, { textCharacters }: ParseOptions): ParsedValue {
  const given = listedTexts(sent, textCharacters);
  if (!given) return { problem: "PARAMETER_INVALID" };
  const chosen = given.length > 0 ? given : (listedTexts(parameter.default, textCharacters) ?? []);
  if (chosen.length === 0) return parameter.required ? { problem: "PARAMETER_REQUIRED" } : { value: [] };
  if (!chosen.every((text) => isOption(parameter, text))) return { problem: "PARAMETER_INVALID" };
  const [min, max] = choiceCounts(parameter);
  return chosen.length < min || chosen.length > max ? { problem: "PARAMETER_OUT_OF_RANGE" } : { value: chosen };
}

function isOption({ options = [] }: Parameter, text: string): boolean {
  return options.some((option) => option.value === text);
}

/** `#rgb` or `#rrggbb`, with or without its mark; the value has the mark and six digits, in small letters. */
function parseColour(sent: unknown): ParsedValue {
  const digits = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(String(sent).trim())?.[1]?.toLowerCase();
  if (digits === undefined) return { problem: "PARAMETER_INVALID" };
  return { value: `#${digits.length === 3 ? digits.replaceAll(/./g, "$&$&") : digits}` };
}

function parseCheckbox(sent: unknown): ParsedValue {
  const value = checkboxValues.get(String(sent).trim().toLowerCase());
  return value === undefined ? { problem: "PARAMETER_INVALID" } : { value };
}

function parseNumber(parameter: Parameter, sent: unknown, rule: { mustBeInteger: boolean }): ParsedValue {
  const number = numberOf(sent);
  if (number === undefined) return { problem: "PARAMETER_NOT_NUMBER" };
  if (!isWithin(parameter, number)) return { problem: "PARAMETER_OUT_OF_RANGE" };
  if (!Number.isFinite(number)) return { problem: "PARAMETER_NOT_NUMBER" };
  if (rule.mustBeInteger && !Number.isSafeInteger(number)) return { problem: "PARAMETER_NOT_NUMBER" };
  // Adding 0 turns -0 into 0.
  return { value: number + 0 };
}

/** A number, or text that is a plain decimal; hexadecimal, separators and names of infinity are not numbers here. */
function numberOf(sent: unknown): number | undefined {
  if (typeof sent === "number") return Number.isNaN(sent) ? undefined : sent;
  if (typeof sent !== "string" || sent.length > 64 || !plainNumber.test(sent.trim())) return undefined;
  return Number(sent.trim());
}

function isWithin(parameter: Parameter, number: number): boolean {
  return number >= (parameter.min ?? -Infinity) && number <= (parameter.max ?? Infinity);
}

function isNested(sent: unknown): boolean {
  return typeof sent === "object" && sent !== null;
}

function valueOfNothing(parameter: Parameter): InputValue | undefined {
  if (isNumeric(parameter)) return undefined;
  return kindOf(parameter) === "truth" ? false : "";
}

/** Half of a split emoji becomes U+FFFD: databases and encoders refuse lone surrogates. */
export function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, "\u{FFFD}");
}
