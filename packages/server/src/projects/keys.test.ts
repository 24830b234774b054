import { expect, it } from "vitest";

import { selectKeys } from "../db/queries/api-keys.ts";
import { selectAuditEvents } from "../db/queries/audit.ts";
import { changeAllowedAddresses, changeAuth, changeSignatureV2 } from "./access-settings.ts";
import { createProject } from "./create-project.ts";
import type { CreatedProject } from "./create-project.ts";
import { findProjectCalled } from "./find-called.ts";
import { findProjectByKey } from "./find-project.ts";
import { hashKey } from "./credential.ts";
import { createKey, revokeKey, rotateKey } from "./keys.ts";
import type { RotatedKey } from "./keys.ts";
import { sealSecret } from "./seal-secret.ts";
import { useProjectDatabase } from "./test-projects.ts";

const deps = useProjectDatabase();

let made = 0;
async function newProject(auth: "signature" | "key" = "signature"): Promise<CreatedProject> {
  return createProject(deps(), { name: `project ${(made += 1)}`, auth });
}

async function rotate(reference: { apiKey: string } | { id: string }, graceMs = 60_000): Promise<RotatedKey> {
  const rotated = await rotateKey(deps(), reference, graceMs);
  if (typeof rotated === "string") throw new Error(rotated);
  return rotated;
}

it("a rotated key has two secrets, never three, and none of the older ones without grace", async () => {
  const { apikey, apisecret } = await newProject();
  const second = await rotate({ apiKey: apikey });
  expect((await findProjectByKey(deps(), apikey))?.secrets).toEqual([second.apisecret, apisecret]);
  const third = await rotate({ apiKey: apikey });
  expect((await findProjectByKey(deps(), apikey))?.secrets).toEqual([third.apisecret, second.apisecret]);
  const fourth = await rotate({ apiKey: apikey }, 0);
  expect((await findProjectByKey(deps(), apikey))?.secrets).toEqual([fourth.apisecret]);
});

it("a key-only project's key is rotated by a new one beside it; the older ends after its grace, and never later than before", async () => {
  const project = await newProject("key");
  const rotated = await rotate({ apiKey: project.apikey });
  expect(rotated).toMatchObject({ apikey: expect.stringMatching(/^[A-Za-z0-9]{40}$/), apisecret: null });
  for (const key of [project.apikey, rotated.apikey ?? ""]) {
    expect(await findProjectByKey(deps(), key)).toMatchObject({ project: { id: project.projectid } });
  }
  await rotate({ apiKey: project.apikey }, 0);
  expect(await findProjectByKey(deps(), project.apikey)).toBeUndefined();
  const [first] = await selectKeys(deps().db, project.projectid);
  await expect(rotate({ id: first?.id ?? "" })).rejects.toThrow("dead");
});

it("keys of one project are independent, and a revoked one cannot be rotated back to life", async () => {
  const project = await newProject();
  const extra = await createKey(deps(), { id: project.projectid, auth: "signature" }, { label: "build server" });
  expect(await revokeKey(deps(), { id: extra.keyid })).toMatchObject({ keyid: extra.keyid, isNew: true });
  expect(await findProjectByKey(deps(), extra.apikey)).toBeUndefined();
  expect(await findProjectByKey(deps(), project.apikey)).toBeDefined();
  expect(await rotateKey(deps(), { id: extra.keyid }, 1)).toBe("dead");
  expect(await rotateKey(deps(), { id: "999999" }, 1)).toBe("missing");
  expect(await revokeKey(deps(), { apiKey: "x".repeat(40) })).toBe("missing");
  expect((await selectKeys(deps().db, project.projectid)).map(({ label, isLive }) => ({ label, isLive }))).toEqual([
    { label: "", isLive: true },
    { label: "build server", isLive: false },
  ]);
});

it("a key is revoked once, however often that is asked", async () => {
  const { projectid, apikey } = await newProject();
  expect(await revokeKey(deps(), { apiKey: apikey })).toMatchObject({ isNew: true });
  expect(await revokeKey(deps(), { apiKey: apikey })).toMatchObject({ isNew: false });
  const events = await selectAuditEvents(deps().db, { projectId: projectid, rows: 100 });
  expect(events.map(({ action }) => action)).toEqual(["key.revoked", "key.created", "project.created"]);
});

it("neither the tables nor the audit log hold a key or a secret that could be used", async () => {
  const project = await newProject();
  const rotated = await rotate({ apiKey: project.apikey });
  const extra = await createKey(deps(), { id: project.projectid, auth: "signature" }, {});
  await revokeKey(deps(), { id: extra.keyid });
  const events = await selectAuditEvents(deps().db, { projectId: project.projectid, rows: 100 });
  expect(events.map(({ action }) => action)).toEqual(["key.revoked", "key.created", "key.rotated", "key.created", "project.created"]);
  expect(events.every(({ actor }) => actor === "test")).toBe(true);
  const { rows } = await deps().db.query<{ line: string }>(
    `select k::text as line from api_keys k union all select a::text from audit_events a`,
  );
  const stored = rows.map(({ line }) => line).join("\n");
  for (const secret of [project.apikey, project.apisecret, rotated.apisecret, extra.apikey, extra.apisecret]) {
    expect(secret).toMatch(/^[A-Za-z0-9]{40}$/);
    expect(stored).not.toContain(secret);
    expect(stored).not.toContain(Buffer.from(secret ?? "").toString("hex"));
  }
});

it("a secret that the first version of the schema sealed still signs", async () => {
  const project = await newProject();
  await deps().db.query("update api_keys set secret_sealed = $2 where key_hash = $1", [
    hashKey(project.apikey),
    sealSecret(deps().masterKey, project.apikey, "sealed under the key itself"),
  ]);
  expect((await findProjectByKey(deps(), project.apikey))?.secrets).toEqual(["sealed under the key itself"]);
});

it("a project changes to signatures, back, and its keys are given secrets once", async () => {
  const { projectid, apikey } = await newProject("key");
  const [given] = await changeAuth(deps(), projectid, "signature");
  expect(await findProjectByKey(deps(), apikey)).toMatchObject({ project: { auth: "signature" }, secrets: [given?.apisecret] });
  await changeSignatureV2(deps(), projectid, "required");
  await expect(changeAuth(deps(), projectid, "key")).rejects.toMatchObject({ code: "COMMAND_FAILED" });
  await changeSignatureV2(deps(), projectid, "off");
  expect(await changeAuth(deps(), projectid, "key")).toEqual([]);
  await expect(changeSignatureV2(deps(), projectid, "required")).rejects.toMatchObject({ code: "COMMAND_FAILED" });
  expect(await changeAuth(deps(), projectid, "signature")).toEqual([]);
  expect((await findProjectByKey(deps(), apikey))?.secrets).toEqual([given?.apisecret]);
});

it("the list of addresses holds each network once, in its shortest spelling, and nothing else", async () => {
  const { projectid } = await newProject();
  const change = (verb: "add" | "remove", range: string) => changeAllowedAddresses(deps(), projectid, { verb, range });
  expect(await change("add", "10.1.2.3/8")).toEqual(["10.0.0.0/8"]);
  expect(await change("add", "10.0.0.0/8")).toEqual(["10.0.0.0/8"]);
  expect(await change("add", "::ffff:192.0.2.1")).toEqual(["10.0.0.0/8", "192.0.2.1/32"]);
  expect(await change("add", "2001:DB8::1/48")).toEqual(["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/48"]);
  expect(await change("remove", "10.0.0.0/8")).toEqual(["192.0.2.1/32", "2001:db8::/48"]);
  for (const range of ["10.0.0.0/8", "example.org", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", ""]) {
    await expect(change("remove", range)).rejects.toMatchObject({ code: "COMMAND_FAILED" });
  }
});

it("a project is found by its id and by a name that it alone has", async () => {
  const [one, two] = [await newProject(), await newProject()];
  await deps().db.query("update projects set name = 'twins' where id = any($1)", [[one.projectid, two.projectid]]);
  expect(await findProjectCalled(deps().db, one.projectid)).toMatchObject({ id: one.projectid, liveKeys: 1 });
  await expect(findProjectCalled(deps().db, "twins")).rejects.toThrow(`${one.projectid}, ${two.projectid}`);
  await expect(findProjectCalled(deps().db, "nobody")).rejects.toMatchObject({ code: "COMMAND_FAILED" });
  await deps().db.query("update projects set name = $2 where id = $1", [two.projectid, one.projectid]);
  expect(await findProjectCalled(deps().db, one.projectid)).toMatchObject({ id: one.projectid });
});
