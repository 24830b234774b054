// POST /v1/Tool/Detail: shows one model with its parameters (docs/wire-contract.md, "Tool/Detail").

import { ignoredField, textField } from "@atelier/schema/lenient-field";
import { withSampleUrls } from "@atelier/schema/sample-files";
import { wireToolDetail } from "@atelier/schema/wire-tool";
import { wireToolDetailSchema } from "@atelier/schema/wire-tool-schema";
import { z } from "zod";

import { AtelierError } from "../../errors.ts";
import { openRoute } from "../open-route.ts";
import { modelReadme } from "../pages/model-readme.ts";
import { readToolContext } from "../show-tool.ts";

const body = z.object({
  slugowner: textField("The owner, in any spelling."),
  slugproject: textField("The model, in any spelling."),
  summary: ignoredField({ type: "boolean", description: "Accepted; a client that asks for one model wants all of it." }),
});

export const toolDetail = openRoute({
  url: "/v1/Tool/Detail",
  id: "toolDetail",
  summary: "Show one model with its parameters",
  tag: "Catalogue",
  body,
  reply: { tool: z.array(wireToolDetailSchema).length(1) },
  failures: ["PARAMETER_REQUIRED", "MODEL_NOT_FOUND"],
  answer: async (context, request) => {
    const manifest = context.models.find({ owner: slugIn(request.body, "slugowner"), slug: slugIn(request.body, "slugproject") });
    if (!manifest) throw new AtelierError("MODEL_NOT_FOUND");
    const shown = await readToolContext(context);
    const readme = modelReadme(manifest, context.models.textOf);
    const addressed = withSampleUrls(manifest, context.publicUrl());
    return { tool: [wireToolDetail(addressed, { ...shown(manifest), readme })] };
  },
});

function slugIn(fields: z.output<typeof body>, name: "slugowner" | "slugproject"): string {
  if (fields[name] === "") throw new AtelierError("PARAMETER_REQUIRED", { parameter: name });
  return fields[name];
}
