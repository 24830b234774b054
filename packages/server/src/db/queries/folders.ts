// Statements on the folders of a project. They find nothing of another project.

import type { Folder } from "../file.ts";
import type { Queryable } from "../queryable.ts";

const columns = `id, parent_id as "parentId", name, created_at as "addedAt"`;

export async function selectFolder(
  db: Queryable,
  reference: { projectId: string; id: string },
): Promise<Folder | undefined> {
  const { rows } = await db.query<Folder>(`select ${columns} from folders where project_id = $1 and id = $2`, [
    reference.projectId,
    reference.id,
  ]);
  return rows[0];
}

/** Creates a folder, or gives the one of that name which is there already. Undefined when the project has as many as it may. */
export async function insertFolder(
  db: Queryable,
  folder: { id: string; projectId: string; parentId: string | null; name: string; most: number },
): Promise<Folder | undefined> {
  const { rows } = await db.query<Folder>(
    `insert into folders (id, project_id, parent_id, name)
     select $1, $2, $3, $4
      where (select count(*) from folders where project_id = $2) < $5
         or exists (select from folders where project_id = $2 and coalesce(parent_id, '') = coalesce($3, '') and name = $4)
     on conflict (project_id, coalesce(parent_id, ''), name) do update set name = excluded.name
     returning ${columns}`,
    [folder.id, folder.projectId, folder.parentId, folder.name, folder.most],
  );
  return rows[0];
}
