// /llms.txt: this server for programs that read; the form is that of llmstxt.org.

import type { Manifest } from "@atelier/schema/manifest";
import { modelPath } from "@atelier/schema/model-page-path";

export function siteText(manifests: readonly Manifest[], publicUrl: string): string {
  const models = manifests.map((manifest) => {
    const address = `${publicUrl}/models/${modelPath(manifest)}/llms-full.txt`;
    return `- [${manifest.title}](${address}): ${manifest.description.replaceAll(/\s+/g, " ").trim()}`;
  });
  return `# Atelier

> A server for image models at ${publicUrl}. It speaks the Wiro wire protocol: a run creates a task, and the task is asked for until it has ended.

- REST base: ${publicUrl}/v1 (every call is a POST; runs and tasks need a key)
- Models as data: POST ${publicUrl}/v1/Tool/List and ${publicUrl}/v1/Tool/Detail, no key needed
- Every call in OpenAPI 3.1: ${publicUrl}/openapi.json

## Models

${models.join("\n")}
`;
}
