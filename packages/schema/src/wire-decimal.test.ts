import { describe, expect, it } from "vitest";

import { costText, fixedDecimal } from "./wire-decimal.ts";

describe("fixedDecimal", () => {
  it.each([
    ["6", 4, "6.0000"],
    ["6.00004", 4, "6.0000"],
    ["6.00005", 4, "6.0001"],
    ["0.9999999", 4, "1.0000"],
    ["-0.25", 1, "-0.3"],
    ["-0.00001", 4, "0.0000"],
    ["0.000585", 12, "0.000585000000"],
    ["12345678901234567890.123456789012", 12, "12345678901234567890.123456789012"],
    ["2.5", 0, "3"],
  ])("writes %s with %i places as %s", (text, places, expected) => {
    expect(fixedDecimal(text, places)).toBe(expected);
  });

  it.each(["", "1e3", "NaN", "0x10", ".5"])("refuses %j, which no stored amount can be", (text) => {
    expect(() => fixedDecimal(text, 4)).toThrow("not a plain decimal");
  });
});

describe("costText", () => {
  it("writes a charge with 12 places", () => {
    expect(costText("0.00351")).toBe("0.003510000000");
  });

  it("writes a bare 0 where nothing was charged", () => {
    expect(costText("0.000000000000")).toBe("0");
  });
});
