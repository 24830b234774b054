// What the tests of this room share: a database of their own, a master key and a name for the audit log.

import { randomBytes } from "node:crypto";

import { afterAll, beforeAll } from "vitest";

import type { Database } from "../db/database.ts";
import { createTestDatabase } from "../db/test-database.ts";
import type { TestDatabase } from "../db/test-database.ts";

export interface ProjectDeps {
  readonly db: Database;
  readonly masterKey: Buffer;
  readonly actor: string;
}

/** Opens the database before the tests of the file or group and drops it after them. The result is for the tests themselves. */
export function useProjectDatabase(): () => ProjectDeps {
  const masterKey = randomBytes(32);
  let test: TestDatabase;
  beforeAll(async () => {
    test = await createTestDatabase();
  });
  afterAll(() => test.drop());
  return () => ({ db: test.db, masterKey, actor: "test" });
}
