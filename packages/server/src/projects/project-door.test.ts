import { expect, it } from "vitest";

import type { Queryable } from "../db/queryable.ts";
import { limits } from "../limits.ts";
import { createProject } from "./create-project.ts";
import { revokeKey } from "./keys.ts";
import { openProjectDoor } from "./project-door.ts";
import { useProjectDatabase } from "./test-projects.ts";

const deps = useProjectDatabase();

/** The database, and how many of its statements are under way at most. */
function watched(): Queryable & { most: number } {
  let underWay = 0;
  return {
    most: 0,
    async query(...statement) {
      underWay += 1;
      this.most = Math.max(this.most, underWay);
      try {
        return await deps().db.query(...statement);
      } finally {
        underWay -= 1;
      }
    },
  };
}

it("a burst of requests of several keys opens few sessions, and each request finds its own project or none", async () => {
  const [one, two] = [await createProject(deps(), { name: "one", auth: "signature" }), await createProject(deps(), { name: "two", auth: "key" })];
  const db = watched();
  const door = openProjectDoor({ db, masterKey: deps().masterKey });
  const keys = [one.apikey, "unknown", two.apikey];
  const found = await Promise.all(Array.from({ length: 300 }, (_, at) => door.findByKey(keys[at % keys.length] ?? "")));
  const expected = [{ id: one.projectid, secrets: [one.apisecret] }, undefined, { id: two.projectid, secrets: [] }];
  expect(found.map((key) => key && { id: key.project.id, secrets: key.secrets })).toEqual(
    found.map((_, at) => expected[at % expected.length]),
  );
  expect(db.most).toBeLessThanOrEqual(limits.keyStatements);
});

it("a key that was revoked opens nothing from then on, also while others ask for it", async () => {
  const { apikey } = await createProject(deps(), { name: "revoked", auth: "signature" });
  const door = openProjectDoor(deps());
  const before = Array.from({ length: 50 }, () => door.findByKey(apikey));
  await revokeKey(deps(), { apiKey: apikey });
  const after = await Promise.all(Array.from({ length: 50 }, () => door.findByKey(apikey)));
  expect(after.filter((key) => key !== undefined)).toEqual([]);
  await Promise.all(before);
});
