// Groups of models to look around in (docs/wire-contract.md, "Tool/Explore").

import type { Manifest } from "./manifest.ts";

export interface ToolGroup {
  readonly id: string;
  readonly title: string;
  /** How many models there are to this group; the group shows the first ones. */
  readonly total: number;
  readonly manifests: readonly Manifest[];
}

const shownPerGroup = 12;

/** The most run models, the newest ones, and one group for each kind of task (`text-to-image`), none of them empty.
 *  `runCountOf` tells how often a model was run. */
export function exploreGroups(manifests: readonly Manifest[], runCountOf: (manifest: Manifest) => number): ToolGroup[] {
  const newest = manifests.toSorted((a, b) => Number(b.id) - Number(a.id));
  const mostRun = newest.filter((manifest) => runCountOf(manifest) > 0).toSorted((a, b) => runCountOf(b) - runCountOf(a));
  const kinds = [...new Set(manifests.flatMap((manifest) => manifest.categories))].filter(isKind).toSorted();
  return [
    { id: "most-run", title: "Most run", manifests: mostRun },
    { id: "newest", title: "Newest", manifests: newest },
    ...kinds.map((kind) => ({
      id: kind,
      title: titleOf(kind),
      manifests: newest.filter((manifest) => manifest.categories.includes(kind)),
    })),
  ]
    .filter((group) => group.manifests.length > 0)
    .map((group) => ({ ...group, total: group.manifests.length, manifests: group.manifests.slice(0, shownPerGroup) }));
}

/** Categories say several things about a model; those with `-to-` say what it turns into what. */
function isKind(category: string): boolean {
  return /^[a-z0-9]+-to-[a-z0-9-]+$/.test(category);
}

function titleOf(kind: string): string {
  const words = kind.replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
