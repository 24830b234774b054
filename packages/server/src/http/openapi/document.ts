// Makes the OpenAPI 3.1 document of the server from its routes and its models.

import { failureSchema } from "@atelier/schema/wire-envelope-schema";
import { serverFrameSchema } from "@atelier/schema/wire-frame-schema";
import type { Manifest } from "@atelier/schema/manifest";

import { Components } from "./components.ts";
import type { JsonObject } from "./components.ts";
import { modelPaths } from "./model-paths.ts";
import { operationObject } from "./operation-object.ts";
import { templateOf } from "./operation.ts";
import type { DocumentedRoute } from "./operation.ts";
import { securitySchemes } from "./security.ts";
import { socketPath } from "./socket-path.ts";

export interface DocumentSource {
  readonly routes: readonly DocumentedRoute[];
  readonly models: readonly Manifest[];
  readonly textOf: (key: string) => string | undefined;
  /** Without a slash at the end. */
  readonly publicUrl: string;
}

export function openApiDocument({ routes, models, textOf, publicUrl }: DocumentSource): JsonObject {
  const components = new Components();
  components.add(failureSchema, "output");
  components.add(serverFrameSchema, "output");
  const paths = {
    ...pathsOf(routes, components),
    ...socketPath,
    ...modelPaths(routes, { models, textOf, components }),
  };
  return {
    openapi: "3.1.1",
    info: {
      title: "Atelier",
      version: "1",
      summary: "Self-hosted server for image models that speaks the Wiro wire protocol",
      description,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: publicUrl }],
    tags: [...new Set(routes.map(({ operation }) => operation.tag))].map((name) => ({ name })),
    paths,
    components: { schemas: components.schemas(), securitySchemes },
  };
}

const description = [
  "Failures that the API knows are HTTP 200 with `result: false`; see each operation for the codes.",
  "Bodies may be sent as JSON, urlencoded or multipart: the bytes decide, not the label.",
  "Request schemas show the usual forms; the server reads more (numbers as text, lists of one) and ignores unknown fields.",
].join("\n\n");

function pathsOf(routes: readonly DocumentedRoute[], components: Components): Record<string, JsonObject> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { method, url, operation } of routes) {
    const path = (paths[templateOf(url)] ??= {});
    path[method.toLowerCase()] = operationObject(operation, components);
  }
  return paths;
}
