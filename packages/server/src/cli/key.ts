// atelier key create | list | rotate | revoke: the keys of a project, for whoever runs the server.

import type { Command } from "commander";

import { selectKeys } from "../db/queries/api-keys.ts";
import type { KeyRow } from "../db/queries/api-keys.ts";
import { limits } from "../limits.ts";
import { OperatorError } from "../operator-error.ts";
import { findProjectCalled } from "../projects/find-called.ts";
import { createKey, revokeKey, rotateKey } from "../projects/keys.ts";
import type { KeyReference, RotatedKey, ShownKey } from "../projects/keys.ts";
import { cliActor } from "./actor.ts";
import { durationOption, parseLifetime } from "./duration.ts";
import type { CommandParts } from "./webhook.ts";
import { withDatabase } from "./with-database.ts";

interface CommonOptions {
  readonly json?: true;
  readonly data?: string;
}

export function addKeyCommands(program: Command, parts: CommandParts): void {
  const key = program.command("key").description("the keys of a project: a project may have several");
  addCreate(key, parts);
  addList(key, parts);
  addRotate(key, parts);
  key
    .command("revoke <key>")
    .description("make a key unknown from now on; <key>: its id, or the whole key")
    .option("--json", "print one line of JSON")
    .addOption(parts.dataOption())
    .action(async (text: string, options: CommonOptions) => {
      const reference = readReference(text);
      const revoked = await withDatabase(parts.depsOf(options), (lent) => revokeKey({ ...lent, actor: cliActor() }, reference));
      if (revoked === "missing") throw missingKey();
      const { keyid, revokedat, isNew } = revoked;
      const done = isNew ? "is revoked: requests with it are refused from now on" : `was revoked before, at ${revokedat.toISOString()}`;
      print(options.json ? JSON.stringify({ keyid, revokedat }) : `key ${keyid} ${done}`);
    });
}

function addCreate(key: Command, parts: CommandParts): void {
  key
    .command("create <project>")
    .description("make another key for a project (its id or name) and print it, once")
    .option("--label <text>", "what the key is for, shown by `key list`", "")
    .option("--expires <time>", "the key ends after this time: 12h, 90d (default: never)", parseLifetime)
    .option("--json", "print one line of JSON")
    .addOption(parts.dataOption())
    .action(async (call: string, options: CommonOptions & { label: string; expires?: number }) => {
      const { label, expires } = options;
      const expiresAt = expires === undefined ? undefined : new Date(Date.now() + expires);
      const shown = await withDatabase(parts.depsOf(options), async (lent) =>
        createKey({ ...lent, actor: cliActor() }, await findProjectCalled(lent.db, call), { label, expiresAt }),
      );
      print(options.json ? JSON.stringify(shown) : describeCreated(shown));
    });
}

function addList(key: Command, parts: CommandParts): void {
  key
    .command("list <project>")
    .description("show the keys of a project: ids, first and last characters, and whether they work")
    .option("--json", "print one line of JSON")
    .addOption(parts.dataOption())
    .action(async (call: string, options: CommonOptions) => {
      const keys = await withDatabase(parts.depsOf(options), async ({ db }) =>
        selectKeys(db, (await findProjectCalled(db, call)).id),
      );
      print(options.json ? JSON.stringify(keys) : describeKeys(keys));
    });
}

function addRotate(key: Command, parts: CommandParts): void {
  key
    .command("rotate <key>")
    .description("draw a new secret (of a key-only project: a new key); the older goes on working for a while")
    .addOption(durationOption("--grace <time>", "how long the older works: 30m, 24h, 7d, 0 for not at all", limits.keyGraceMs))
    .option("--json", "print one line of JSON")
    .addOption(parts.dataOption())
    .action(async (text: string, options: CommonOptions & { grace: number }) => {
      const reference = readReference(text);
      const rotated = await withDatabase(parts.depsOf(options), (lent) =>
        rotateKey({ ...lent, actor: cliActor() }, reference, options.grace),
      );
      if (rotated === "missing") throw missingKey();
      if (rotated === "dead") throw failed("This key was revoked or has expired.", "Make another with `atelier key create`.");
      const olderUntil = new Date(Date.now() + options.grace);
      print(options.json ? JSON.stringify({ ...rotated, olderuntil: olderUntil }) : describeRotated(rotated, olderUntil));
    });
}

/** For people. */
export function describeKeys(keys: readonly KeyRow[]): string {
  if (keys.length === 0) return "no keys";
  return keys
    .map((key) => {
      const state = key.isLive ? "live" : key.revokedAt ? "revoked" : "expired";
      const until = [
        key.isLive && key.expiresAt ? `expires ${key.expiresAt.toISOString()}` : "",
        key.isLive && key.previousExpiresAt ? `the older secret signs until ${key.previousExpiresAt.toISOString()}` : "",
      ];
      return [key.id, key.hint, state.padEnd(7), key.createdAt.toISOString(), key.label, ...until].filter((part) => part !== "").join("  ");
    })
    .join("\n");
}

function describeCreated(key: ShownKey): string {
  const secret = key.apisecret === null ? [] : [`export YOUR_API_SECRET="${key.apisecret}"`];
  return [`key ${key.keyid}; shown only now:`, `export YOUR_API_KEY="${key.apikey}"`, ...secret].join("\n");
}

export function describeRotated(key: RotatedKey, olderUntil: Date): string {
  const lines = [
    key.apikey === null ? `the new secret of key ${key.keyid} (${key.hint}); shown only now:` : `key ${key.keyid}, for ${key.hint}; shown only now:`,
    ...(key.apikey === null ? [] : [`export YOUR_API_KEY="${key.apikey}"`]),
    ...(key.apisecret === null ? [] : [`export YOUR_API_SECRET="${key.apisecret}"`]),
  ];
  return [...lines, `the older one works until ${olderUntil.toISOString()}`].join("\n");
}

/** Ids are short; keys have 40 characters. */
function readReference(text: string): KeyReference {
  if (/^\d{1,18}$/.test(text)) return { id: text };
  if (/^[\x21-\x7e]{20,256}$/.test(text)) return { apiKey: text };
  throw missingKey();
}

function missingKey(): OperatorError {
  return failed("There is no such key.", "`atelier key list PROJECT` shows the ids of a project's keys.");
}

function failed(problem: string, remedy: string): OperatorError {
  return new OperatorError("COMMAND_FAILED", { problem, remedy });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
