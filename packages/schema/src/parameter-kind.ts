// The types of parameters that the wire knows, and how the values of each are read.

/** What a value of a type is, whatever the type is called. */
export type ParameterKind = "text" | "choice" | "choices" | "whole" | "decimal" | "truth" | "colour" | "files";

const kinds = {
  text: "text",
  textarea: "text",
  select: "choice",
  selectwithcover: "choice",
  multiselect: "choices",
  number: "whole",
  integer: "whole",
  float: "decimal",
  range: "decimal",
  numeric: "decimal",
  checkbox: "truth",
  color: "colour",
  fileinput: "files",
  multifileinput: "files",
  combinefileinput: "files",
} as const satisfies Record<string, ParameterKind>;

export type ParameterType = keyof typeof kinds;

export const parameterTypes = Object.freeze(Object.keys(kinds)) as readonly [ParameterType, ...ParameterType[]]; // the keys, and there are some

export function kindOf({ type }: { readonly type: ParameterType }): ParameterKind {
  return kinds[type];
}

/** Values with a smallest and a largest. */
export function isNumeric(parameter: { readonly type: ParameterType }): boolean {
  return ["whole", "decimal"].includes(kindOf(parameter));
}

/** Values out of `options`. */
export function hasOptions(parameter: { readonly type: ParameterType }): boolean {
  return ["choice", "choices"].includes(kindOf(parameter));
}
