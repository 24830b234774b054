// The public part of the server: the catalogue's endpoints and the pages of the models, which share the statistics.

import type { FastifyInstance } from "fastify";

import { openStatistics } from "../tasks/model-statistics.ts";
import type { ReadStatistics } from "../tasks/model-statistics.ts";
import type { RouteContext } from "./http-deps.ts";
import { addOpenRoute } from "./open-route.ts";
import { addPageRoutes } from "./routes/pages.ts";
import { toolDetail } from "./routes/tool-detail.ts";
import { toolExplore } from "./routes/tool-explore.ts";
import { toolList } from "./routes/tool-list.ts";

export interface CatalogueContext extends RouteContext {
  readonly statistics: ReadStatistics;
}

const openRoutes = [toolList, toolDetail, toolExplore];

export function addCatalogue(app: FastifyInstance, context: RouteContext): void {
  const catalogue: CatalogueContext = { ...context, statistics: openStatistics(context) };
  for (const route of openRoutes) addOpenRoute(app, catalogue, route);
  addPageRoutes(app, catalogue);
}
