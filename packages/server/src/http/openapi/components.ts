// Collects the named schemas of a document: zod's schemas as JSON Schema, each under its own name.

import { z } from "zod";

export type JsonObject = Readonly<Record<string, unknown>>;

const referenceStart = "#/components/schemas/";

export class Components {
  readonly #schemas = new Map<string, JsonObject>();

  /** JSON Schema (2020-12) of `schema`; the schemas in it that have an `id` become components, named once.
   *  `input`: what is sent to a parser, `output`: what comes out. */
  add(schema: z.ZodType, io: "input" | "output"): JsonObject {
    const { $schema: _dialect, $defs = {}, ...own } = rewritten(z.toJSONSchema(schema, { io, unrepresentable: "any" }));
    // zod keeps schemas by name in `$defs`.
    for (const [name, definition] of Object.entries($defs as Record<string, JsonObject>)) this.define(name, definition);
    const { id } = own as { id?: string };
    if (id === undefined) return own;
    this.define(id, own);
    return referenceTo(id);
  }

  define(name: string, schema: JsonObject): JsonObject {
    const { id: _id, ...rest } = schema;
    const known = this.#schemas.get(name);
    if (known && JSON.stringify(known) !== JSON.stringify(rest)) throw new Error(`two schemas are called ${name}`);
    this.#schemas.set(name, rest);
    return referenceTo(name);
  }

  /** In the order of their names, so that documents can be compared. */
  schemas(): JsonObject {
    return Object.fromEntries([...this.#schemas].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }
}

function referenceTo(name: string): JsonObject {
  return { $ref: `${referenceStart}${name}` };
}

/** References inside zod's own result point into the document's components instead. */
function rewritten(schema: object): Record<string, unknown> {
  // A copy of JSON is JSON.
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', `"${referenceStart}`)) as Record<string, unknown>;
}
