import { expect, it } from "vitest";

import { createNamedProject, findOrCreateProject } from "./create-project.ts";
import type { CreatedProject } from "./create-project.ts";
import { useProjectDatabase } from "./test-projects.ts";

const deps = useProjectDatabase();

it("of several projects of one name that are made at once there is one, and the others are told of it", async () => {
  const made = await Promise.allSettled(["a", "a", "a", "a", "b"].map((name) => createNamedProject(deps(), { name, auth: "key" })));
  expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
  const refused = made.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []));
  expect(refused.every((text) => /already a project "a" \(id \d+\)/.test(text))).toBe(true);
  const { rows } = await deps().db.query<{ name: string }>("select name from projects order by name");
  expect(rows.map(({ name }) => name)).toEqual(["a", "b"]);
});

const keepNothing = { find: async () => undefined, keep: async (project: CreatedProject) => project };

it("of several projects whose name nobody chose each has a number of its own", async () => {
  await createNamedProject(deps(), { name: "local-2", auth: "key" });
  const made = await Promise.all([1, 2, 3].map(() => findOrCreateProject(deps(), { name: "local", auth: "key" }, keepNothing)));
  expect(made.map(({ name }) => name).toSorted()).toEqual(["local", "local-3", "local-4"]);
});

it("a project that could not be kept is not there", async () => {
  const keep = async () => {
    throw new Error("the disk is full");
  };
  await expect(findOrCreateProject(deps(), { name: "unkept", auth: "key" }, { ...keepNothing, keep })).rejects.toThrow("the disk is full");
  expect((await deps().db.query("select name from projects where name = 'unkept'")).rows).toEqual([]);
});

it.each([
  ["", "is empty"],
  [" \t\u200b", "is empty"],
  [" studio", "begins or ends with a space"],
  ["2", "looks like the id"],
  ["stu\u001b[2Jdio", "not seen"],
  ["two\nlines", "not seen"],
  ["turned \u202eround", "not seen"],
  ["x".repeat(101), "more than 100"],
])("no project may be called %j", async (name, reason) => {
  await expect(createNamedProject(deps(), { name, auth: "key" })).rejects.toThrow(reason);
});

it.each(["2nd floor", "Atölye İstanbul", "工房", "x".repeat(100)])("a project may be called %j", async (name) => {
  expect(await createNamedProject(deps(), { name, auth: "key" })).toMatchObject({ name });
});
