import { expect, test } from "vitest";

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import { certainly as certainlyWithPause } from "./certainly.ts";

const certainly = (write: () => Promise<boolean>, happened: () => Promise<boolean>) => certainlyWithPause(write, happened, async () => undefined);

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

test("a database that is still away when it is asked costs a try, and not the write", async () => {
  const { write, calls } = writeThat("away", true);
  let asked = 0;
  const happened = async (): Promise<boolean> => {
    asked += 1;
    if (asked < limits.unknownOutcomeTries - 1) throw away;
    return false;
  };
  expect(await certainly(write, happened)).toBe(true);
  expect([calls(), asked]).toEqual([2, limits.unknownOutcomeTries - 1]);
});

test("a database that stays away is asked a bounded number of times, with a pause before each", async () => {
  const { write, calls } = writeThat("away");
  let pauses = 0;
  const stillAway = () => Promise.reject(away);
  await expect(certainlyWithPause(write, stillAway, async () => (pauses += 1))).rejects.toBe(away);
  expect([calls(), pauses]).toEqual([1, limits.unknownOutcomeTries - 1]);
});
