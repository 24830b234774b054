import { expect, it } from "vitest";

import { failureEnvelope, successEnvelope } from "./wire-envelope.ts";
import { unixSeconds } from "./wire-time.ts";

it("a success carries its fields at top level", () => {
  expect(successEnvelope({ taskid: "2221" })).toEqual({ taskid: "2221", errors: [], result: true });
});

it("a failure carries objects with a numeric time", () => {
  const at = new Date(1_734_513_807_999);
  expect(failureEnvelope({ code: 1, message: "There is no task yet.", at })).toEqual({
    result: false,
    errors: [{ code: 1, message: "There is no task yet.", time: 1_734_513_807 }],
  });
});

it("a moment is whole unix seconds as text, and \"0\" when it has not come", () => {
  expect(unixSeconds(new Date(1_734_513_807_999))).toBe("1734513807");
  expect(unixSeconds(null)).toBe("0");
});
