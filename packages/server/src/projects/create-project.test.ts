import { randomBytes } from "node:crypto";

import { expect, it } from "vitest";

import { createTestDatabase } from "../db/test-database.ts";
import { createNamedProject } from "./create-project.ts";

it("of several projects of one name that are made at once there is one, and the others are told of it", async () => {
  const test = await createTestDatabase();
  const deps = { db: test.db, masterKey: randomBytes(32) };
  const made = await Promise.allSettled(["a", "a", "a", "a", "b"].map((name) => createNamedProject(deps, { name, auth: "key" })));
  expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
  const refused = made.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []));
  expect(refused.every((text) => /already a project "a" \(id \d+\)/.test(text))).toBe(true);
  const { rows } = await test.db.query<{ name: string }>("select name from projects order by name");
  expect(rows.map(({ name }) => name)).toEqual(["a", "b"]);
  await test.drop();
});
