// One path for each model's Run, with the schema of that model's own inputs.

import { cleanModelName, cleanSlug } from "@atelier/schema/manifest";
import type { Manifest } from "@atelier/schema/manifest";
import { runInputSchema } from "@atelier/schema/run-input-schema";

import type { Components, JsonObject } from "./components.ts";
import { operationObject, requestBody } from "./operation-object.ts";
import type { DocumentedRoute } from "./operation.ts";

interface ModelSource {
  readonly models: readonly Manifest[];
  readonly textOf: (key: string) => string | undefined;
  readonly components: Components;
}

/** Concrete paths come before templated ones where both match (OpenAPI 3.1, "Path Templating Matching"). */
export function modelPaths(routes: readonly DocumentedRoute[], source: ModelSource): Record<string, JsonObject> {
  const run = routes.find(({ operation }) => operation.id === "run");
  if (!run) return {};
  return Object.fromEntries(source.models.map((manifest) => [pathOf(run.url, manifest), { post: runOf(run, manifest, source) }]));
}

function pathOf(url: string, manifest: Manifest): string {
  const part = (slug: string): string => encodeURIComponent(cleanSlug(slug));
  return url.replace(":owner", part(manifest.owner)).replace(":model", part(manifest.slug));
}

function runOf({ operation }: DocumentedRoute, manifest: Manifest, { textOf, components }: ModelSource): JsonObject {
  const { path: _path, body: _body, ...rest } = operation;
  const name = `RunInput_${manifest.id}`;
  const input = components.define(name, runInputSchema(manifest, textOf));
  const shared = operationObject({ ...rest, id: `run_${manifest.id}`, summary: `Run ${cleanModelName(manifest)}` }, components);
  const description = [manifest.description, shared["description"]].filter(Boolean).join("\n\n");
  return { ...shared, description, requestBody: requestBody(input) };
}
