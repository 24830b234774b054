import { expect, test } from "vitest";

import { failureCodeOf, mayPass } from "./engine-failure.ts";

const systemError = (code: string) => Object.assign(new Error(code), { code });

test("a full disk or quota has a code of its own; every other unforeseen error may pass", () => {
  expect(["ENOSPC", "EDQUOT", "EIO", "ENOMEM"].map((code) => failureCodeOf(systemError(code)))).toEqual(["DISK_FULL", "DISK_FULL", "ENGINE_FAILED", "ENGINE_FAILED"]);
  expect(failureCodeOf("text")).toBe("ENGINE_FAILED");
});

test("only what the engine did not foresee, or had no place for, may pass", () => {
  const codes = ["ENGINE_FAILED", "ENGINE_BUSY", "INPUT_INVALID", "WEIGHTS_MISSING", "DISK_FULL"];
  expect(codes.filter(mayPass)).toEqual(["ENGINE_FAILED", "ENGINE_BUSY"]);
});
