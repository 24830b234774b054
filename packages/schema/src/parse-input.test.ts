import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parameterSchema } from "./manifest.ts";
import type { Parameter } from "./manifest.ts";
import { parseInput } from "./parse-input.ts";

const declared = [
  { id: "prompt", type: "textarea", label: "prompt", default: "A ringed planet", required: true },
  { id: "samples", type: "number", label: "samples", default: "1", min: 1, max: 8 },
  { id: "scale", type: "float", label: "scale", default: "7.5", min: 0, max: 30 },
  { id: "seed", type: "text", label: "seed", default: "64803343", min: 0, max: 4294967295, role: "seed" },
  { id: "width", type: "number", label: "width", default: "1024", min: 64, max: 2048 },
  {
    id: "look",
    type: "select",
    label: "look",
    default: "plain",
    options: [
      { label: "Plain", value: "plain" },
      { label: "Gilded", value: "gilded" },
    ],
  },
  { id: "framed", type: "checkbox", label: "framed", default: "false" },
  { id: "era", type: "selectwithcover", label: "era", default: "", options: [{ label: "Rococo", value: "rococo", cover: "samples/rococo.jpg" }] },
  { id: "panels", type: "integer", label: "panels", default: "3", min: 1, max: 12 },
  { id: "grain", type: "numeric", label: "grain", default: "0.5", min: 0.25, max: 1 },
  {
    id: "motifs",
    type: "multiselect",
    label: "motifs",
    default: "shell,ribbon",
    max: 2,
    options: ["shell", "ribbon", "7"].map((value) => ({ label: value, value })),
  },
  { id: "ground", type: "color", label: "ground", default: "#FFF" },
].map((parameter): Parameter => parameterSchema.parse(parameter));

const options = { drawSeed: () => 123_456, textCharacters: 100 };
const parse = (raw: Record<string, unknown>) => parseInput(declared, raw, options);

function inputOf(raw: Record<string, unknown>): Record<string, unknown> {
  const result = parse(raw);
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.failure)}`);
  return result.input;
}

function failureOf(raw: Record<string, unknown>): unknown {
  const result = parse(raw);
  return result.ok ? undefined : result.failure;
}

const defaults = {
  prompt: "A ringed planet",
  samples: 1,
  scale: 7.5,
  seed: 64803343,
  width: 1024,
  look: "plain",
  framed: false,
  era: "",
  panels: 3,
  grain: 0.5,
  motifs: ["shell", "ribbon"],
  ground: "#ffffff",
};

describe("text that is longer than any is kept, for the task shows what was sent", () => {
  const spaces = " ".repeat(options.textCharacters);
  it.each([
    ["samples", `${spaces}2`],
    ["scale", `${"0".repeat(options.textCharacters)}2`],
    ["seed", `${spaces}7`],
    ["width", `${spaces} `],
    ["framed", `${spaces}true`],
    ["prompt", `${spaces}x`],
  ])("is refused for %s", (parameter, sent) => {
    expect(failureOf({ [parameter]: sent })).toMatchObject({ code: "PARAMETER_INVALID", details: { parameter } });
  });
});

describe("values that count as not given", () => {
  it("an empty request takes every default", () => {
    expect(inputOf({})).toEqual(defaults);
  });

  it.each(["", null])("%j takes the default, also for the seed", (nothing) => {
    const raw = Object.fromEntries(declared.map((parameter) => [parameter.id, nothing]));
    expect(inputOf(raw)).toEqual(defaults);
  });

  it.each([0, "0", "0.0", -0])("%j takes the default where 0 lies outside the range", (zero) => {
    expect(inputOf({ samples: zero, width: zero })).toMatchObject({ samples: 1, width: 1024 });
  });

  it("0 stays 0 where it lies inside the range", () => {
    expect(inputOf({ scale: 0, seed: 0 })).toMatchObject({ scale: 0, seed: 0 });
    expect(Object.is(inputOf({ scale: "-0" })["scale"], 0)).toBe(true);
  });

  it.each([-1, "-1", " -1 ", "-1.0"])("the seed %j is drawn", (seed) => {
    expect(inputOf({ seed })["seed"]).toBe(123_456);
  });

  it.each([undefined, "", " ", null])("the seed %j is the default, unless the default is to draw", (seed) => {
    expect(inputOf({ seed })["seed"]).toBe(64803343);
    for (const toDraw of ["", "-1"]) {
      const drawn = declared.map((parameter) => (parameter.role === "seed" ? { ...parameter, default: toDraw } : parameter));
      expect(parseInput(drawn, { seed }, options)).toMatchObject({ ok: true, input: { seed: 123_456 } });
    }
  });

  it("a required parameter without default must be given", () => {
    const strict = declared.map((parameter) => (parameter.id === "prompt" ? { ...parameter, default: "" } : parameter));
    expect(parseInput(strict, { prompt: "" }, options)).toEqual({
      ok: false,
      failure: { code: "PARAMETER_REQUIRED", details: { parameter: "prompt" } },
    });
  });
});

describe("coercion", () => {
  it("reads numbers from text, and whole numbers written with a point", () => {
    expect(inputOf({ samples: "2", scale: "3.25", width: " 512 ", seed: "7" })).toMatchObject({
      samples: 2,
      scale: 3.25,
      width: 512,
      seed: 7,
    });
    expect(inputOf({ samples: "4.0", width: 1e3 })).toMatchObject({ samples: 4, width: 1000 });
  });

  it("reads a text parameter from a number or a boolean", () => {
    expect(inputOf({ prompt: 42 })["prompt"]).toBe("42");
    expect(inputOf({ prompt: true })["prompt"]).toBe("true");
  });

  it("takes the value out of a list of one, and refuses longer lists", () => {
    expect(inputOf({ samples: ["3"] })["samples"]).toBe(3);
    expect(inputOf({ samples: [] })["samples"]).toBe(1);
    expect(failureOf({ samples: ["3", "4"] })).toMatchObject({ code: "PARAMETER_INVALID" });
  });

  it.each([
    [true, true],
    ["true", true],
    ["on", true],
    ["FALSE", false],
    [0, false],
  ])("reads the checkbox value %j as %j", (framed, expected) => {
    expect(inputOf({ framed })["framed"]).toBe(expected);
  });

  it.each([
    [["ribbon", "shell"], ["ribbon", "shell"]],
    ["shell", ["shell"]],
    [" shell , 7 ", ["shell", "7"]],
    ['["7","shell"]', ["7", "shell"]],
    [7, ["7"]],
    [["shell", "", null, "shell"], ["shell"]],
    [[], ["shell", "ribbon"]],
    ["", ["shell", "ribbon"]],
  ])("reads the choices %j as %j", (motifs, expected) => {
    expect(inputOf({ motifs })["motifs"]).toEqual(expected);
  });

  it.each([
    ["#A0b1C2", "#a0b1c2"],
    ["abc", "#aabbcc"],
    [" #123 ", "#112233"],
    [123456, "#123456"],
  ])("reads the colour %j as %j", (ground, expected) => {
    expect(inputOf({ ground })["ground"]).toBe(expected);
  });

  it("reads the other names of numbers and choices like the usual ones", () => {
    expect(inputOf({ panels: "4", grain: " 0.75 ", era: "rococo" })).toMatchObject({ panels: 4, grain: 0.75, era: "rococo" });
    expect(inputOf({ panels: 0, grain: "0", era: "" })).toMatchObject({ panels: 3, grain: 0.5, era: "" });
  });

  it("ignores undeclared keys, also those of Object.prototype", () => {
    const raw = JSON.parse('{"selectedModel":"x","__proto__":{"samples":7},"constructor":1}');
    expect(inputOf(raw)).toEqual(defaults);
  });

  it("replaces half an emoji", () => {
    expect(inputOf({ prompt: "moon \ud83d" })["prompt"]).toBe("moon \u{FFFD}");
    expect(inputOf({ prompt: "moon 🌙" })["prompt"]).toBe("moon 🌙");
  });
});

describe("refusals", () => {
  it.each(["abc", "0x10", "1,5", "Infinity", "NaN", "1 2", true, "1".repeat(65)])("%j is not a number", (width) => {
    expect(failureOf({ width })).toEqual({
      code: "PARAMETER_NOT_NUMBER",
      details: { parameter: "width", min: 64, max: 2048 },
    });
  });

  it.each([63, "2049", -5, Infinity, "1e999"])("%j is outside 64 to 2048", (width) => {
    expect(failureOf({ width })).toEqual({
      code: "PARAMETER_OUT_OF_RANGE",
      details: { parameter: "width", min: 64, max: 2048 },
    });
  });

  it.each([-2, 4294967296, "4294967296"])("the seed %j is outside its range", (seed) => {
    expect(failureOf({ seed })).toMatchObject({ code: "PARAMETER_OUT_OF_RANGE" });
  });

  it("a fraction is no whole number", () => {
    expect(failureOf({ samples: 1.5 })).toMatchObject({ code: "PARAMETER_NOT_NUMBER" });
    expect(failureOf({ panels: "1.5" })).toMatchObject({ code: "PARAMETER_NOT_NUMBER" });
  });

  it("more choices than may be made are told as a number outside its range", () => {
    expect(failureOf({ motifs: ["shell", "ribbon", "7"] })).toEqual({
      code: "PARAMETER_OUT_OF_RANGE",
      details: { parameter: "motifs", min: 1, max: 2 },
    });
  });

  it("required choices of which none is made are missing", () => {
    const strict = declared.map((parameter) => (parameter.id === "motifs" ? { ...parameter, default: "", required: true } : parameter));
    expect(parseInput(strict, { motifs: [] }, options)).toMatchObject({ failure: { code: "PARAMETER_REQUIRED", details: { parameter: "motifs" } } });
  });

  it.each([
    { era: "gothic" },
    { motifs: ["shell", "cherub"] },
    { motifs: [["shell"]] },
    { motifs: { shell: true } },
    { motifs: '["shell"' },
    { ground: "white" },
    { ground: "#12345" },
    { ground: ["#fff", "#000"] },
  ])("%j is no option, list or colour", (raw) => {
    expect(failureOf(raw)).toMatchObject({ code: "PARAMETER_INVALID" });
  });

  it.each([{ look: "baroque" }, { prompt: { a: 1 } }, { prompt: "a\0b" }, { prompt: "x".repeat(101) }, { framed: "maybe" }])(
    "%j is invalid",
    (raw) => {
      expect(failureOf(raw)).toMatchObject({ code: "PARAMETER_INVALID" });
    },
  );

  it("the first failure in the order of declaration is reported", () => {
    expect(failureOf({ width: "x", samples: 9 })).toMatchObject({ details: { parameter: "samples" } });
  });
});

describe("echo", () => {
  it("repeats the declared parameters as they were sent, and reports the seed in use", () => {
    expect(parse({ samples: 1, scale: "7.5", width: "", other: "x" })).toMatchObject({
      ok: true,
      echo: { samples: 1, scale: "7.5", width: "", seed: "64803343" },
    });
    expect(parse({ seed: "-1" })).toMatchObject({ ok: true, echo: { seed: "123456" } });
    expect(parse({ seed: "" })).toMatchObject({ ok: true, echo: { seed: "64803343" } });
    expect(parse({ seed: 5 })).toMatchObject({ ok: true, echo: { seed: 5 } });
  });
});

describe("any request at all", () => {
  it("is refused with a registered code or gives values inside their ranges that survive JSON", () => {
    const anything = fc.oneof(fc.jsonValue(), fc.string({ unit: "binary" }), fc.double(), fc.integer());
    const keys = fc.constantFrom(...declared.map((parameter) => parameter.id), "__proto__", "toString");
    fc.assert(
      fc.property(fc.dictionary(keys, anything), (raw) => {
        const result = parse(raw);
        if (!result.ok) {
          expect(result.failure.code).toMatch(/^PARAMETER_/);
          return;
        }
        expect(Object.keys(result.input)).toEqual(declared.map((parameter) => parameter.id));
        expect(result.input["motifs"]).toSatisfy((list: string[]) => list.length <= 2 && list.every((one) => ["shell", "ribbon", "7"].includes(one)));
        expect(result.input["ground"]).toMatch(/^#[0-9a-f]{6}$/);
        expect(JSON.parse(JSON.stringify(result.input))).toEqual(result.input);
        expect(JSON.stringify(result.input)).not.toMatch(/\\u0000|\\ud[89a-f]/i);
        expect(result.input["samples"]).toSatisfy((value: number) => Number.isInteger(value) && value >= 1 && value <= 8);
        expect(result.input["scale"]).toSatisfy((value: number) => value >= 0 && value <= 30);
      }),
      { numRuns: 2_000, seed: 20_240 },
    );
  });

  it("means the same whether numbers come as numbers or as text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })), (number) => {
        expect(parse({ scale: String(number) })).toMatchObject({ ok: parse({ scale: number }).ok });
      }),
      { numRuns: 500, seed: 7 },
    );
  });
});
