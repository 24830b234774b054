// POST /v1/Tool/List: searches the models (docs/wire-contract.md, "Tool/List").

import { wireTool } from "@atelier/schema/wire-tool";
import { toolQueryFields, toolQueryOf } from "@atelier/schema/wire-tool-query";
import { wireToolSchema } from "@atelier/schema/wire-tool-schema";
import { searchTools } from "@atelier/schema/wire-tool-search";
import { z } from "zod";

import { openRoute } from "../open-route.ts";
import { readToolContext } from "../show-tool.ts";

export const toolList = openRoute({
  url: "/v1/Tool/List",
  id: "toolList",
  summary: "Search the models",
  tag: "Catalogue",
  body: toolQueryFields,
  reply: { total: z.int().min(0), tool: z.array(wireToolSchema) },
  answer: async (context, { body }) => {
    const { total, tools } = searchTools(context.models.list(), toolQueryOf(body));
    const shown = await readToolContext(context);
    return { total, tool: tools.map((manifest) => wireTool(manifest, shown(manifest))) };
  },
});
