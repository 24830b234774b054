import { Command } from "commander";
import { expect, it } from "vitest";

import { durationOption, parseLifetime } from "./duration.ts";

it.each([
  [86_400_000, "1d"],
  [90 * 60_000, "90m"],
  [30_000, "30s"],
])("an option of %d ms shows its default as %s, and reads spans as people write them", (ms, text) => {
  const command = new Command().addOption(durationOption("--grace <time>", "how long", ms));
  expect(command.helpInformation()).toContain(`(default: ${text})`);
  expect(command.parse([], { from: "user" }).opts()).toEqual({ grace: ms });
  expect(command.parse(["--grace", "2h"], { from: "user" }).opts()).toEqual({ grace: 7_200_000 });
});

it.each(["0", "0d", "", "90", "soon"])("a lifetime is not %j", (text) => {
  expect(() => parseLifetime(text)).toThrow("12h or 90d");
});
