// The commands on what a project may use, through the command line's own entrance, on a database of their own.

import { expect, it } from "vitest";

import { openCommandLine } from "./command-line.ts";

const { atelier, json } = openCommandLine();

it("limits of running and waiting tasks are set one by one, shown, and taken away", async () => {
  await json("project", "create", "studio");
  expect(await json("project", "limit", "studio", "--running", "2", "--waiting", "100")).toMatchObject({ running: 2, waiting: 100 });
  expect(await json("project", "limit", "studio", "--waiting", "7")).toMatchObject({ running: 2, waiting: 7 });
  expect(await json("project", "show", "studio")).toMatchObject({ name: "studio", running: 2, waiting: 7, runningTasks: 0 });
  expect((await atelier("project", "show", "studio")).out).toMatch(/running +0 tasks, limit 2\nwaiting +0 tasks, limit 7/);
  expect(await json("project", "limit", "studio", "--running", "none")).toMatchObject({ running: null, waiting: 7 });
});

it("a budget is set, shown with what is left of it, and taken away", async () => {
  await json("project", "create", "payer");
  const set = await json<{ budget: string; left: string; spent: string }>("project", "budget", "payer", "0.50");
  expect([set.budget, set.left, set.spent].map(Number)).toEqual([0.5, 0.5, 0]);
  expect((await atelier("project", "show", "payer")).out).toMatch(/budget +\$0\.50*, left \$0\.50*/);
  expect(await json("project", "budget", "payer", "none")).toMatchObject({ budget: null, left: null });
  expect((await atelier("project", "show", "payer")).out).toMatch(/budget +none/);
});

it("what is no limit, no amount or no project is refused and changes nothing", async () => {
  await json("project", "create", "steady");
  const before = await json("project", "limit", "steady", "--running", "3");
  const wrong = [
    ["limit", "steady"],
    ["limit", "steady", "--running", "many"],
    ["limit", "steady", "--running", "1.5"],
    ["budget", "steady", "free"],
    ["budget", "steady", "1e9"],
    ["show", "nobody"],
  ];
  for (const args of wrong) {
    const { code, out, err } = await atelier("project", ...args);
    expect({ args, failed: code !== 0, out, isSilent: err === "" }).toEqual({ args, failed: true, out: "", isSilent: false });
  }
  expect(await json("project", "show", "steady")).toEqual(before);
});

it("a limit is refused with what it may be: 0 tasks may wait, and at least 1 may run", async () => {
  await json("project", "create", "strict");
  expect((await atelier("project", "limit", "strict", "--running", "0")).err).toContain("a whole number from 1 to 999999, or none");
  expect((await atelier("project", "limit", "strict", "--waiting", "-1")).err).toContain("a whole number from 0 to 999999, or none");
  expect(await json("project", "limit", "strict", "--running", "1", "--waiting", "0")).toMatchObject({ running: 1, waiting: 0 });
});
