import { randomBytes } from "node:crypto";

import { describe, expect, it } from "vitest";

import { checkMasterKey } from "./check-master-key.ts";
import { createProject } from "./create-project.ts";
import { findProjectByKey } from "./find-project.ts";
import { revokeKey } from "./keys.ts";
import { openSecret, sealSecret } from "./seal-secret.ts";
import { useProjectDatabase } from "./test-projects.ts";

describe("projects", () => {
  const deps = useProjectDatabase();

  it("a signature project is found by its key, with its secret", async () => {
    const created = await createProject(deps(), { name: "one", auth: "signature" });
    expect(created.apikey).toMatch(/^[A-Za-z0-9]{32,}$/);
    expect(created.apisecret).toMatch(/^[A-Za-z0-9]{32,}$/);
    const found = await findProjectByKey(deps(), created.apikey);
    expect(found).toMatchObject({
      project: { id: created.projectid, name: "one", auth: "signature" },
      secrets: [created.apisecret],
    });
  });

  it("a key-only project has no secret", async () => {
    const created = await createProject(deps(), { name: "two", auth: "key" });
    expect(created.apisecret).toBeNull();
    expect(await findProjectByKey(deps(), created.apikey)).toMatchObject({ secrets: [] });
  });

  it("an unknown, a revoked and an impossible key find nothing", async () => {
    const created = await createProject(deps(), { name: "three", auth: "key" });
    await revokeKey(deps(), { apiKey: created.apikey });
    for (const key of [created.apikey, "unknown", "", "nul\0"]) expect(await findProjectByKey(deps(), key)).toBeUndefined();
  });

  it("a master key that is not the database's is refused before it is used", async () => {
    await createProject(deps(), { name: "sealed", auth: "signature" });
    await checkMasterKey(deps());
    const other = checkMasterKey({ db: deps().db, masterKey: randomBytes(32) });
    await expect(other).rejects.toMatchObject({ code: "MASTER_KEY_INVALID" });
  });

  it("the database holds no secret in plain text", async () => {
    const created = await createProject(deps(), { name: "four", auth: "signature" });
    const { rows } = await deps().db.query<{ sealed: Buffer }>("select secret_sealed as sealed from api_keys where project_id = $1", [
      created.projectid,
    ]);
    expect(rows[0]?.sealed.includes(created.apisecret ?? "")).toBe(false);
  });
});

describe("sealed secrets", () => {
  const masterKey = randomBytes(32);

  it("open under the same master key and api key only", () => {
    const sealed = sealSecret(masterKey, "key-a", "secret");
    expect(openSecret(masterKey, "key-a", sealed)).toBe("secret");
    expect(() => openSecret(masterKey, "key-b", sealed)).toThrow();
    expect(() => openSecret(randomBytes(32), "key-a", sealed)).toThrow(
      expect.objectContaining({ code: "MASTER_KEY_INVALID" }),
    );
  });

  it("do not open when one bit was changed", () => {
    const sealed = sealSecret(masterKey, "key-a", "secret");
    sealed[sealed.length - 1]! ^= 1; // sealed is never empty
    expect(() => openSecret(masterKey, "key-a", sealed)).toThrow();
  });
});
