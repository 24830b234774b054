// POST /v1/Tool/Detail: shows one model with its parameters (docs/wire-contract.md, "Tool/Detail").

import { textIn } from "@atelier/schema/wire-paging";
import { wireToolDetail } from "@atelier/schema/wire-tool";

import { AtelierError } from "../../errors.ts";
import type { Fields } from "../body.ts";
import type { OpenRoute } from "../open-route.ts";
import { modelReadme } from "../pages/model-readme.ts";
import { readToolContext } from "../show-tool.ts";

/** Throws PARAMETER_REQUIRED or MODEL_NOT_FOUND. */
export const toolDetail: OpenRoute = async (context, fields) => {
  const manifest = context.models.find({ owner: slugIn(fields, "slugowner"), slug: slugIn(fields, "slugproject") });
  if (!manifest) throw new AtelierError("MODEL_NOT_FOUND");
  const shown = await readToolContext(context);
  const readme = modelReadme(manifest, context.models.textOf);
  return { tool: [wireToolDetail(manifest, { ...shown(manifest), readme })] };
};

function slugIn(fields: Fields, name: "slugowner" | "slugproject"): string {
  const slug = textIn(fields[name]);
  if (slug === "") throw new AtelierError("PARAMETER_REQUIRED", { parameter: name });
  return slug;
}
