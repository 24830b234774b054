// Creates a project with its first key.

import { randomInt, randomUUID } from "node:crypto";

import { insertProject } from "../db/queries/projects.ts";
import type { ProjectAuth } from "../db/queries/projects.ts";
import type { Queryable } from "../db/queryable.ts";
import { sealSecret } from "./seal-secret.ts";

/** The only moment in which the secret can be read: the database keeps it sealed. Names as on the command line. */
export interface CreatedProject {
  readonly projectid: string;
  readonly name: string;
  readonly apikey: string;
  /** Null for key-only projects. */
  readonly apisecret: string | null;
}

export async function createProject(
  deps: { db: Queryable; masterKey: Buffer },
  options: { name: string; auth: ProjectAuth },
): Promise<CreatedProject> {
  const apikey = drawCredential();
  const apisecret = options.auth === "signature" ? drawCredential() : null;
  const projectid = await insertProject(deps.db, {
    uuid: randomUUID(),
    name: options.name,
    auth: options.auth,
    apiKey: apikey,
    secretSealed: apisecret === null ? null : sealSecret(deps.masterKey, apikey, apisecret),
  });
  return { projectid, name: options.name, apikey, apisecret };
}

const credentialCharacters = 40;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** 40 letters and digits: 238 bits. */
function drawCredential(): string {
  return Array.from({ length: credentialCharacters }, () => alphabet[randomInt(alphabet.length)]).join("");
}
