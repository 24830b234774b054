import { expect, test } from "vitest";

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import { certainly } from "./certainly.ts";

const away = new AtelierError("SERVER_UNAVAILABLE");

/** A write that answers each call with the next of `answers`; "away" is a connection lost on the way. */
function writeThat(...answers: (boolean | "away")[]) {
  let calls = 0;
  const write = async (): Promise<boolean> => {
    const answer = answers[calls];
    calls += 1;
    if (answer === "away" || answer === undefined) throw away;
    return answer;
  };
  return { write, calls: () => calls };
}

test("a write that answered is not repeated, whatever it said", async () => {
  for (const answer of [true, false]) {
    const { write, calls } = writeThat(answer);
    expect(await certainly(write, async () => true)).toBe(answer);
    expect(calls()).toBe(1);
  }
});

test("a write whose answer was lost is not repeated when it happened", async () => {
  const { write, calls } = writeThat("away");
  expect(await certainly(write, async () => true)).toBe(true);
  expect(calls()).toBe(1);
});

test("a write whose answer was lost is repeated when it did not happen", async () => {
  const { write, calls } = writeThat("away", true);
  expect(await certainly(write, async () => false)).toBe(true);
  expect(calls()).toBe(2);
});

test("a repeated write that finds nothing to do asks again: its first try may have been committed meanwhile", async () => {
  const { write } = writeThat("away", false);
  const asked = [false, true];
  expect(await certainly(write, async () => asked.shift() ?? false)).toBe(true);
});

test("it gives up after a bounded number of tries", async () => {
  const { write, calls } = writeThat();
  await expect(certainly(write, async () => false)).rejects.toBe(away);
  expect(calls()).toBe(limits.unknownOutcomeTries);
});
