// The inputs of a model as JSON Schema, made from its declared parameters (docs/wire-contract.md, "Input values").

import { isFileParameter } from "./input-file.ts";
import type { Manifest, Parameter } from "./manifest.ts";
import { kindOf } from "./parameter-kind.ts";
import { choiceCounts } from "./parse-choices.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** JSON Schema (2020-12) of the body of one model's Run. It takes whatever the server takes of declared parameters in their
 *  usual forms; values that the server would refuse for their type, range or options are refused here, too.
 *  `textOf` says a label or help key in words. */
export function runInputSchema(manifest: Manifest, textOf: (key: string) => string | undefined = () => undefined): JsonSchema {
  const parameters = manifest.parameters.flatMap((group) => group.items);
  return {
    type: "object",
    title: `Input of ${manifest.title}`,
    properties: {
      ...Object.fromEntries(parameters.flatMap((parameter) => propertiesOf(parameter, textOf))),
      ...reservedProperties,
    },
    ...requiredOf(parameters),
    // Clients send keys of their own; they are ignored.
    additionalProperties: true,
    ...(manifest.examples.length > 0 && { examples: manifest.examples }),
  };
}

/** The keys of every run that are no parameters. */
export const reservedProperties: JsonSchema = Object.freeze({
  callbackUrl: { type: "string", description: "Where the result is posted when the task has ended; what is no public URL is only kept." },
  projectid: { type: ["string", "integer"], description: "Only the caller's own project." },
});

/** Only a parameter without a default must be there: the server uses the default otherwise. */
function requiredOf(parameters: readonly Parameter[]): JsonSchema {
  const required = parameters.filter((one) => one.required && one.default === "" && !isFileParameter(one)).map((one) => one.id);
  return required.length > 0 ? { required } : {};
}

function propertiesOf(parameter: Parameter, textOf: (key: string) => string | undefined): [string, JsonSchema][] {
  const described: JsonSchema = {
    title: textOf(parameter.label) ?? parameter.label,
    ...descriptionOf(parameter, textOf),
    ...(parameter.default !== "" && { default: parameter.default }),
  };
  const own: [string, JsonSchema] = [parameter.id, { ...described, ...formOf(parameter) }];
  if (!isFileParameter(parameter)) return [own];
  const companion = { description: `Addresses of the files of ${parameter.id}, between commas.`, type: ["string", "array", "null"] };
  return [own, [`${parameter.id}Url`, companion]];
}

function descriptionOf(parameter: Parameter, textOf: (key: string) => string | undefined): JsonSchema {
  const description = parameter.description ?? textOf(parameter.note) ?? parameter.note;
  return description === "" ? {} : { description };
}

/** Empty text and null mean "not given" for every parameter. */
const notGiven: readonly JsonSchema[] = [{ const: "" }, { type: "null" }];
const numberText = "^\\s*([+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?)?\\s*$";
const colourText = "^\\s*#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})\\s*$";
const checkboxText = "^\\s*([tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[oO][nN]|[oO][fF][fF]|[01])\\s*$";

/** Text, and where it is a number, that number too. */
function optionValues({ options = [] }: Parameter): (string | number)[] {
  return options.flatMap(({ value }) => (String(Number(value)) === value ? [value, Number(value)] : [value]));
}

function formOf(parameter: Parameter): JsonSchema {
  if (parameter.role === "seed") return { anyOf: [...numbers(parameter, "integer"), { const: -1 }, ...notGiven] };
  switch (kindOf(parameter)) {
    case "whole":
      return { anyOf: [...numbers(parameter, "integer"), ...zero(parameter), ...notGiven] };
    case "decimal":
      return { anyOf: [...numbers(parameter, "number"), ...zero(parameter), ...notGiven] };
    case "choice":
      return { anyOf: [{ enum: optionValues(parameter) }, ...notGiven] };
    case "choices":
      return { anyOf: [...choices(parameter), ...notGiven] };
    case "colour":
      // Digits alone are a colour, too.
      return { anyOf: [{ type: "string", pattern: colourText }, { type: "integer", minimum: 0, maximum: 999_999 }, ...notGiven] };
    case "truth":
      return { anyOf: [{ type: "boolean" }, { enum: [1, 0] }, { type: "string", pattern: checkboxText }, ...notGiven] };
    case "files":
      return { type: ["string", "array", "null"], description: "Files as form parts, or addresses as text." };
    default:
      return { type: ["string", "number", "boolean", "null"] };
  }
}

function numbers({ min, max }: Parameter, type: "integer" | "number"): JsonSchema[] {
  return [
    { type, ...(min !== undefined && { minimum: min }), ...(max !== undefined && { maximum: max }) },
    { type: "string", pattern: numberText },
  ];
}

/** A form's untouched zero counts as "not given" where it lies outside the range. */
function zero({ min, max }: Parameter): JsonSchema[] {
  return (min ?? 0) > 0 || (max ?? 0) < 0 ? [{ const: 0 }] : [];
}

/** A list, one of its items alone, or several in one text with commas. */
function choices(parameter: Parameter): JsonSchema[] {
  const items = { enum: [...optionValues(parameter), "", null] };
  const [, maxItems] = choiceCounts(parameter);
  return [{ type: "array", items, description: `At most ${maxItems} of them.` }, { type: "string" }, { enum: optionValues(parameter) }];
}
