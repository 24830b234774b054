import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { fromEngineSchema, toEngineSchema } from "./engine-messages.ts";

const folder = fileURLToPath(new URL("../golden/engine/", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const read = (name: string): unknown => JSON.parse(readFileSync(folder + name, "utf8"));

describe("engine messages", () => {
  it.each(files)("%s parses to itself", (name) => {
    const schema = name.startsWith("to-") ? toEngineSchema : fromEngineSchema;
    expect(schema.parse(read(name))).toEqual(read(name));
  });

  it("has one golden file for each message", () => {
    const declared = [
      ...toEngineSchema.options.map((option) => `to-${option.shape.type.value}.json`),
      ...fromEngineSchema.options.map((option) => `from-${option.shape.type.value}.json`),
    ];
    expect(files.toSorted()).toEqual(declared.toSorted());
  });

  it("refuses a message of the other direction", () => {
    expect(toEngineSchema.safeParse(read("from-done.json")).success).toBe(false);
    expect(fromEngineSchema.safeParse(read("to-run.json")).success).toBe(false);
  });
});
