import { expect, it } from "vitest";

import { pricingOf } from "./pricing.ts";

it.each([
  [{ dynamicprice: '[{"inputs":{},"price":0.000585,"priceMethod":"cps"}]', cps: "0.000585000000" }, "$0.000585 per second"],
  [
    { dynamicprice: '[{"inputs":{"quality":"hd","pictures":"QUANTITY:2"},"price":0.04,"priceMethod":"cpr"},{"inputs":{},"price":0.01,"priceMethod":"cpo"}]' },
    "$0.04 per run with quality=hd, pictures=QUANTITY:2; $0.01 per output",
  ],
  [{ dynamicprice: '[{"price":0.5,"priceMethod":"cpt"}]' }, "$0.5 cpt"],
  [{ dynamicprice: "not a list", cps: "0.1" }, "$0.1 per second"],
  [{ cps: "0.1" }, "$0.1 per second"],
  [{}, undefined],
])("says the prices of %j", (model, words) => {
  expect(pricingOf(model)).toBe(words);
});
