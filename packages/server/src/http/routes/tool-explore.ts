// POST /v1/Tool/Explore: groups of models to look around in (docs/wire-contract.md, "Tool/Explore").

import { wireToolCard } from "@atelier/schema/wire-tool";
import { exploreGroups } from "@atelier/schema/wire-tool-explore";
import { wireToolGroupSchema } from "@atelier/schema/wire-tool-schema";
import { z } from "zod";

import { openRoute } from "../open-route.ts";
import { readToolContext } from "../show-tool.ts";

export const toolExplore = openRoute({
  url: "/v1/Tool/Explore",
  id: "toolExplore",
  summary: "Groups of models to look around in",
  tag: "Catalogue",
  body: z.object({}),
  reply: { explore: z.array(wireToolGroupSchema) },
  answer: async (context) => {
    const shown = await readToolContext(context);
    const groups = exploreGroups(context.models.list(), (manifest) => shown(manifest).statistics.runCount);
    return {
      explore: groups.map(({ id, title, total, manifests }) => ({
        id, title, total,
        tools: manifests.map((manifest) => wireToolCard(manifest, shown(manifest))),
      })),
    };
  },
});
