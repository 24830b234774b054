// POST /v1/Tool/List: searches the models (docs/wire-contract.md, "Tool/List").

import { wireTool } from "@atelier/schema/wire-tool";
import { toolQueryIn } from "@atelier/schema/wire-tool-query";
import { searchTools } from "@atelier/schema/wire-tool-search";

import type { OpenRoute } from "../open-route.ts";
import { readToolContext } from "../show-tool.ts";

export const toolList: OpenRoute = async (context, fields) => {
  const { total, tools } = searchTools(context.models.list(), toolQueryIn(fields));
  const shown = await readToolContext(context);
  return { total, tool: tools.map((manifest) => wireTool(manifest, shown(manifest))) };
};
