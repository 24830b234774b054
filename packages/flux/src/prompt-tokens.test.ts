import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { makeTokenizer, pooledMean, promptTokens } from "./prompt-tokens.ts";
import { goldenPath } from "./testing/golden.ts";

interface TokenizerCase {
  prompt: string;
  ids: number[];
  paddedLength: number;
}

const cases: TokenizerCase[] = JSON.parse(readFileSync(goldenPath("tokenizer-cases.json"), "utf8"));
const tokenizer = makeTokenizer(JSON.parse(readFileSync(goldenPath("tokenizer.json"), "utf8")), {});
const rules = { maxTextTokens: 128, textTokenMultiple: 8 };

describe("ids equal those of the training's tokenizer", () => {
  test.each(cases)("$prompt", ({ prompt, ids, paddedLength }) => {
    const tokens = promptTokens(tokenizer, prompt, rules);
    expect(tokens.ids.slice(0, tokens.used)).toEqual(ids);
    expect(tokens.ids.length).toBe(paddedLength);
    expect(tokens.ids.slice(tokens.used).every((id) => id === 0)).toBe(true);
  });
});

test("a very long prompt is cut to the limit", () => {
  const { ids, used } = promptTokens(tokenizer, "planet ".repeat(5_000), rules);
  expect([ids.length, used]).toEqual([128, 128]);
});

test("the pooled vector is the mean over tokens that are not padding", () => {
  expect([...pooledMean(Float32Array.of(1, 2, 3, 4, 100, 100), [5, 1, 0])]).toEqual([2, 3]);
});
