// What `search_docs` searches: the manual of this installation and the text of each model.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { sectionsOf } from "@atelier/mcp/search-sections";
import type { DocsSection } from "@atelier/mcp/search-sections";

import type { RouteContext } from "../http-deps.ts";
import { modelText } from "../routes/pages.ts";

/** The manual is read once, at the first search; models come and go. */
export function openProjectDocs(context: RouteContext): () => Promise<readonly DocsSection[]> {
  let manual: Promise<DocsSection[]> | undefined;
  return async () => {
    manual ??= readManual(context.installation.dir).catch((error: unknown) => {
      manual = undefined;
      throw error;
    });
    const models = context.models.list().flatMap((manifest) => sectionsOf(manifest.title, modelText(context, manifest)));
    return [...(await manual), ...models];
  };
}

async function readManual(installDir: string): Promise<DocsSection[]> {
  const docs = (await readdir(join(installDir, "docs"))).filter((name) => name.endsWith(".md")).toSorted();
  const files = ["README.md", ...docs.map((name) => `docs/${name}`)];
  const texts = await Promise.all(files.map((file) => readFile(join(installDir, file), "utf8")));
  return texts.flatMap((text, at) => sectionsOf(files[at] ?? "", text));
}
