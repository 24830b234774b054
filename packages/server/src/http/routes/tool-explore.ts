// POST /v1/Tool/Explore: groups of models to look around in (docs/wire-contract.md, "Tool/Explore").

import { wireToolCard } from "@atelier/schema/wire-tool";
import { exploreGroups } from "@atelier/schema/wire-tool-explore";

import type { OpenRoute } from "../open-route.ts";
import { readToolContext } from "../show-tool.ts";

export const toolExplore: OpenRoute = async (context) => {
  const shown = await readToolContext(context);
  const groups = exploreGroups(context.models.list(), (manifest) => shown(manifest).statistics.runCount);
  return {
    explore: groups.map(({ id, title, total, manifests }) => ({
      id, title, total,
      tools: manifests.map((manifest) => wireToolCard(manifest, shown(manifest))),
    })),
  };
};
