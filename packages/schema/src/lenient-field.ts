// Fields of requests that are read rather than refused, each with the form that documentation shows of it.

import { z } from "zod";

/** What OpenAPI says of a field: JSON Schema (2020-12). */
export type FieldForm = Readonly<Record<string, unknown>> & { readonly description: string };

export type LenientField<Value> = z.ZodType<Value, unknown>;

/** A field that takes any value: `read` understands it, or counts it as not given (undefined comes for an absent field).
 *  `form` is what well-behaved clients send, for documents; the server reads more than that. */
export function lenientField<Value>(form: FieldForm, read: (value: unknown) => Value): LenientField<Value> {
  return z.unknown().optional().transform(read).meta(form);
}

/** A field that may be sent and changes nothing. */
export function ignoredField(form: FieldForm): LenientField<undefined> {
  return lenientField(form, () => undefined);
}

/** A field that holds a line of text. "" when it is absent or has no text. */
export function textField(description: string, form: Readonly<Record<string, unknown>> = {}): LenientField<string> {
  return lenientField({ type: "string", ...form, description }, textIn);
}

/** The text of a value that may be a list of one (a form's repeated key) or absent. */
export function textIn(value: unknown): string {
  const single: unknown = Array.isArray(value) ? value[0] : value;
  return typeof single === "string" || typeof single === "number" ? String(single).trim() : "";
}
