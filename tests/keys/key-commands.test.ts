// The commands on keys and projects, through the command line's own entrance, on a database of their own.

import { expect, it } from "vitest";

import { openCommandLine } from "./command-line.ts";

const { atelier, json } = openCommandLine();

interface Key {
  keyid: string;
  apikey: string | null;
  apisecret: string | null;
}

it("a key is made, listed, rotated and revoked, and its secret is shown only when it is drawn", async () => {
  await json("project", "create", "studio");
  const made = await json<Key>("key", "create", "studio", "--label", "build server", "--expires", "90d");
  expect(made).toMatchObject({ apikey: expect.stringMatching(/^\w{40}$/), apisecret: expect.stringMatching(/^\w{40}$/) });
  const rotated = await json<Key & { olderuntil: string }>("key", "rotate", made.keyid, "--grace", "7d");
  expect(rotated).toMatchObject({ keyid: made.keyid, apikey: null, apisecret: expect.stringMatching(/^\w{40}$/) });
  expect(new Date(rotated.olderuntil).getTime() - Date.now()).toBeGreaterThan(6.9 * 86_400_000);

  const listed = (await atelier("key", "list", "studio")).out;
  expect(listed).toMatch(/live .*build server .*expires .*older secret signs until/);
  for (const text of [made.apikey, made.apisecret, rotated.apisecret]) expect(listed).not.toContain(text);

  expect((await atelier("key", "revoke", made.apikey ?? "")).code).toBe(0);
  expect((await atelier("key", "list", "studio")).out).toMatch(/revoked .*build server/);
  const audit = (await atelier("project", "audit", "studio")).out;
  expect(audit).toMatch(/cli:\S+ {2}key\.revoked/);
  for (const text of [made.apikey, made.apisecret, rotated.apisecret]) expect(audit).not.toContain(text);
});

it("a project's authentication, signature v2 and addresses are changed and listed", async () => {
  await json("project", "create", "gate", "--auth", "key");
  const [given] = await json<Key[]>("project", "auth", "gate", "signature");
  expect(given?.apisecret).toMatch(/^\w{40}$/);
  expect(await json("project", "signature-v2", "gate", "required")).toMatchObject({ name: "gate", signatureV2: "required" });
  expect(await json("project", "allow", "gate", "add", "10.0.0.0/8")).toEqual(["10.0.0.0/8"]);
  expect(await json("project", "allow", "gate", "list")).toEqual(["10.0.0.0/8"]);
  const listed = (await atelier("project", "list")).out;
  expect(listed).toMatch(/gate {2}signature {2}1 live key {2}signature v2 required {2}10\.0\.0\.0\/8/);
});

it("a key that was revoked before is told as such", async () => {
  await json("project", "create", "twice");
  const { keyid } = await json<Key>("key", "create", "twice");
  expect((await atelier("key", "revoke", keyid)).out).toBe(`key ${keyid} is revoked: requests with it are refused from now on\n`);
  const again = await json<{ revokedat: string }>("key", "revoke", keyid);
  expect(again).toEqual({ keyid, revokedat: expect.any(String) });
  expect((await atelier("key", "revoke", keyid)).out).toBe(`key ${keyid} was revoked before, at ${again.revokedat}\n`);
});

it("migrate tells the version of the schema, also as JSON", async () => {
  const { schemaVersion } = await json<{ schemaVersion: number }>("migrate");
  expect((await atelier("migrate")).out).toBe(`the database has schema version ${schemaVersion}\n`);
});

it("the help of `project` begins with what is needed first", async () => {
  const { out } = await atelier("help", "project");
  const shown = [...out.matchAll(/^ {2}([a-z0-9-]+) .*(?:<|\[options\])/gm)].map((match) => match[1]);
  expect(shown.slice(0, 4)).toEqual(["create", "list", "show", "auth"]);
});

it.each([
  [["key", "list", "nobody"], /There is no project "nobody"/],
  [["key", "rotate", "999999"], /There is no such key/],
  [["key", "revoke", "short"], /There is no such key/],
  [["key", "rotate", "1", "--grace", "soon"], /30m, 24h or 7d/],
  [["key", "create", "1", "--expires", "0"], /12h or 90d/],
  [["key", "create", "1", "--expires", "0d"], /12h or 90d/],
  [["webhook", "list", "1", "--before", "abc"], /the number that/],
  [["webhook", "redeliver", "1", "7"], /There is no such delivery/],
  [["project", "create", "7"], /looks like the id/],
  [["project", "allow", "1", "add"], /needs an address or a network/],
  [["project", "allow", "1", "add", "10.0.0.0/40"], /is no address or network/],
])("%j fails and says why", async (args, text) => {
  const { code, err } = await atelier(...args);
  expect(code).toBe(1);
  expect(err).toMatch(text);
});
