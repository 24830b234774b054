// Statements on how a project's clients come in: authentication, signature v2, allowed addresses.

import type { Queryable } from "../queryable.ts";
import type { SignatureV2 } from "./api-keys.ts";
import type { ProjectAuth, ProjectRow } from "./projects.ts";

export interface ListedProject extends ProjectRow {
  readonly signatureV2: SignatureV2;
  /** Networks in CIDR notation; empty: any. */
  readonly allowedAddresses: readonly string[];
  readonly liveKeys: number;
  readonly createdAt: Date;
}

const columns = `
  p.id, p.uuid, p.name, p.auth, p.signature_v2 as "signatureV2", p.allowed_addresses::text[] as "allowedAddresses",
  p.created_at as "createdAt",
  (select count(*)::int from api_keys k where k.project_id = p.id and k.revoked_at is null
     and (k.expires_at is null or k.expires_at > now())) as "liveKeys"`;

export async function selectProjects(db: Queryable): Promise<ListedProject[]> {
  const { rows } = await db.query<ListedProject>(`select ${columns} from projects p order by p.id`);
  return rows;
}

/** The projects with this id, or with this name. */
export async function selectProjectsCalled(db: Queryable, call: { id: string | null; name: string }): Promise<ListedProject[]> {
  const { rows } = await db.query<ListedProject>(
    `select ${columns} from projects p where p.id = $1::bigint or p.name = $2 order by p.id`,
    [call.id, call.name],
  );
  return rows;
}

/** Keeps other changes of this project out until the transaction ends. */
export async function lockListedProject(tx: Queryable, projectId: string): Promise<ListedProject | undefined> {
  const { rows } = await tx.query<ListedProject>(`select ${columns} from projects p where p.id = $1 for update of p`, [projectId]);
  return rows[0];
}

export async function updateProjectAuth(tx: Queryable, projectId: string, auth: ProjectAuth): Promise<void> {
  await tx.query(`update projects set auth = $2 where id = $1`, [projectId, auth]);
}

export async function updateSignatureV2(tx: Queryable, projectId: string, choice: SignatureV2): Promise<void> {
  await tx.query(`update projects set signature_v2 = $2 where id = $1`, [projectId, choice]);
}

/** Replaces the whole list. Each entry in CIDR notation without bits beyond its prefix. */
export async function updateAllowedAddresses(tx: Queryable, projectId: string, networks: readonly string[]): Promise<void> {
  await tx.query(`update projects set allowed_addresses = $2::cidr[] where id = $1`, [projectId, networks]);
}
