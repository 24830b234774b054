// Reads a JSON file that a person wrote: what is wrong with it is told with file, line and field.

import type { z } from "zod";

import { OperatorError } from "../operator-error.ts";
import { lineOfPath, lineOfSyntaxError } from "./json-position.ts";

export interface JsonFile {
  readonly file: string;
  readonly text: string;
  /** What the file is, for its messages: `manifest`. */
  readonly kind: string;
}

export interface FieldProblem {
  readonly path: readonly PropertyKey[];
  readonly text: string;
}

/** Parses the file's text by a schema. Throws CONFIG_INVALID naming file, line and field of every problem. */
export function parseJsonFile<Schema extends z.ZodType>(source: JsonFile, schema: Schema): z.output<Schema> {
  const parsed = schema.safeParse(parseJson(source));
  if (parsed.success) return parsed.data;
  throw fileProblems(source, parsed.error.issues.map(({ path, message }) => ({ path, text: message })));
}

/** The failure that names these problems, one line each: `file:line: field: what`. */
export function fileProblems({ file, text, kind }: JsonFile, problems: readonly FieldProblem[]): OperatorError {
  const lines = problems.map(
    ({ path, text: problem }) => `${file}:${lineOfPath(text, path)}: ${path.join(".") || kind}: ${problem}.`,
  );
  return invalid(kind, lines.join("\n"));
}

function parseJson({ file, text, kind }: JsonFile): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // JSON.parse throws nothing else.
    const syntaxError = error as SyntaxError;
    throw invalid(kind, `${file}:${lineOfSyntaxError(text, syntaxError)}: ${syntaxError.message}.`, error);
  }
}

function invalid(kind: string, problem: string, cause?: unknown): OperatorError {
  return new OperatorError("CONFIG_INVALID", { problem, remedy: `Correct the ${kind}.` }, { cause });
}
