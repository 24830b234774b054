import { expect, it } from "vitest";

import type { Price } from "./manifest.ts";
import { priceOf, pricesOf } from "./price.ts";

const cps = "0.000585000000";
const hd: Price = { inputs: { quality: "hd" }, price: "0.08", priceMethod: "cpo" };
const two: Price = { inputs: { pictures: "QUANTITY:2", quality: "sd" }, price: "0.04", priceMethod: "cpr" };
const anyRun: Price = { inputs: {}, price: "0.01", priceMethod: "cpr" };
const bySecond = { inputs: {}, price: cps, priceMethod: "cps" };

it.each([
  ["a value", { quality: "hd", pictures: [{}, {}] }, hd],
  ["a number of files, beside a value", { quality: "sd", pictures: [{ url: "a" }, { url: "b" }] }, two],
  ["none of them, by the second", { quality: "sd", pictures: [{ url: "a" }] }, bySecond],
  ["nothing given, by the second", {}, bySecond],
])("a run is charged by the first price that it meets: %s", (_what, input, price) => {
  expect(priceOf({ cps, prices: [hd, two] }, input)).toEqual(price);
});

it("a price of any run ends the list, and takes the place of the price by the second", () => {
  expect(pricesOf({ cps, prices: [hd, anyRun, two] })).toEqual([hd, anyRun]);
  expect(priceOf({ cps, prices: [hd, anyRun] }, { quality: "sd" })).toEqual(anyRun);
});

it("a number is compared as it is written", () => {
  const large: Price = { inputs: { width: "1024" }, price: "0.1", priceMethod: "cpr" };
  expect(priceOf({ cps, prices: [large] }, { width: 1024 })).toEqual(large);
  expect(priceOf({ cps, prices: [large] }, { width: 10240 })).toEqual(bySecond);
});
