// POST /v1/Run/{owner}/{model}: creates a task (docs/wire-contract.md, "Run").

import { randomInt } from "node:crypto";

import { textIn } from "@atelier/schema/lenient-field";
import { parseInput } from "@atelier/schema/parse-input";
import { wellFormed } from "@atelier/schema/parse-value";
import { reservedProperties } from "@atelier/schema/run-input-schema";
import { digitsText, secret30 } from "@atelier/schema/wire-scalars";
import { z } from "zod";

import { AtelierError } from "../../errors.ts";
import type { ErrorCode } from "../../errors.ts";
import { limits } from "../../limits.ts";
import { createTask } from "../../tasks/create-task.ts";
import type { Fields } from "../body.ts";
import type { Caller, RouteContext } from "../http-deps.ts";
import { wireRoute } from "../wire-route.ts";
import type { WireRequest } from "../wire-route.ts";

export type RunRequest = WireRequest & { readonly fields: Fields };

export interface StartedRun {
  readonly taskid: string;
  readonly socketaccesstoken: string;
}

/** The parameters depend on the model: `parseInput` reads them by its manifest, from which the document has them, too. */
export const runBody = z.looseObject({}).meta({
  properties: reservedProperties,
  description: "The model's parameters; each model's own path shows them.",
});

export const runPath = { owner: "The model's owner, in any spelling.", model: "The model, in any spelling." };

export const runFailures: readonly ErrorCode[] = [
  "MODEL_NOT_FOUND",
  "PERMISSION_DENIED",
  "PARAMETER_REQUIRED",
  "PARAMETER_NOT_NUMBER",
  "PARAMETER_OUT_OF_RANGE",
  "PARAMETER_INVALID",
];

export const run = wireRoute({
  url: "/v1/Run/:owner/:model",
  id: "run",
  summary: "Run a model: create a task",
  tag: "Run",
  path: runPath,
  body: runBody,
  reply: { taskid: digitsText, socketaccesstoken: secret30 },
  failures: runFailures,
  answer: startRun,
});

/** Answers only after the task is on disk.
 *  Throws MODEL_NOT_FOUND, PERMISSION_DENIED, or the failure of the first parameter that is wrong. */
export async function startRun(context: RouteContext, { caller, fields, path }: RunRequest): Promise<StartedRun> {
  const model = context.models.find({ owner: path["owner"] ?? "", slug: path["model"] ?? "" });
  if (!model) throw new AtelierError("MODEL_NOT_FOUND");
  refuseOtherProject(fields, caller);
  const parameters = model.parameters.flatMap((group) => group.items);
  const parsed = parseInput(parameters, fields, { drawSeed, textCharacters: limits.textCharacters });
  if (!parsed.ok) throw new AtelierError(parsed.failure.code, parsed.failure.details);
  const task = await createTask(context, {
    projectId: caller.id,
    model,
    parameters: parsed.echo,
    input: parsed.input,
    callbackUrl: callbackUrlIn(fields),
  });
  return { taskid: task.id, socketaccesstoken: task.token };
}

/** The reserved key `projectid` bills another project, which no key may do here; naming the own one changes nothing. */
function refuseOtherProject(fields: Fields, caller: Caller): void {
  const asked = fields["projectid"];
  if (asked === undefined || asked === null || asked === "") return;
  // Not String(): an object of the caller's may have a `toString` that is no function.
  const isOne = !Array.isArray(asked) || asked.length === 1;
  if (!isOne || textIn(asked) !== caller.id) throw new AtelierError("PERMISSION_DENIED");
}

/** Kept as it came, also when it is no URL: the seed page's own example is an English sentence. */
function callbackUrlIn(fields: Fields): string {
  const value = fields["callbackUrl"];
  if (typeof value !== "string") return "";
  return wellFormed(value.replaceAll("\0", "").slice(0, limits.callbackUrlCharacters));
}

function drawSeed(): number {
  return randomInt(2 ** 32);
}
