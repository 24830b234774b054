// POST /v1/Run/{owner}/{model}: creates a task (docs/wire-contract.md, "Run").

import { randomInt } from "node:crypto";

import { isFileParameter } from "@atelier/schema/input-file";
import type { FileRules } from "@atelier/schema/parse-files";
import { textIn } from "@atelier/schema/lenient-field";
import { cleanModelName } from "@atelier/schema/manifest";
import { parseInput } from "@atelier/schema/parse-input";
import { wellFormed } from "@atelier/schema/parse-value";
import { reservedProperties } from "@atelier/schema/run-input-schema";
import { digitsText, secret30 } from "@atelier/schema/wire-scalars";
import { z } from "zod";

import { AtelierError } from "../../errors.ts";
import type { ErrorCode } from "../../errors.ts";
import { limits } from "../../limits.ts";
import { createTask } from "../../tasks/create-task.ts";
import type { CreatedTask } from "../../tasks/create-task.ts";
import { findRepeatedRun, readRunOnce } from "../../tasks/repeated-run.ts";
import type { Fields } from "../body.ts";
import type { Caller, RouteContext } from "../http-deps.ts";
import { withRunFiles } from "../run-files.ts";
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
  "DISK_FULL",
  "MODEL_NOT_FOUND",
  "PERMISSION_DENIED",
  "PARAMETER_REQUIRED",
  "PARAMETER_NOT_NUMBER",
  "PARAMETER_OUT_OF_RANGE",
  "PARAMETER_INVALID",
  "FILES_REQUIRED",
  "FILE_TOO_LARGE",
  "FILE_TYPE_REFUSED",
  "FILE_PIXELS_REFUSED",
  "OPEN_TASKS_LIMIT",
  "BUDGET_SPENT",
  "IDEMPOTENCY_KEY_INVALID",
  "IDEMPOTENCY_KEY_REUSED",
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
  filesWanted: runFilesWanted,
  answer: startRun,
});

/** Answers only after the task is on disk.
 *  Throws DISK_FULL, MODEL_NOT_FOUND, PERMISSION_DENIED, the failure of the first parameter that is wrong, or what `withRunFiles` and
 *  `createTask` throw. */
export async function startRun(context: RouteContext, request: RunRequest): Promise<StartedRun> {
  const { caller, headers, fields, files, path } = request;
  const model = context.models.find({ owner: path["owner"] ?? "", slug: path["model"] ?? "" });
  if (!model) throw new AtelierError("MODEL_NOT_FOUND");
  refuseOtherProject(fields, caller);
  const once = readRunOnce(headers["idempotency-key"], {
    model: cleanModelName(model),
    fields,
    files: files.map(({ field, received }) => [field, received.sha256]),
  });
  const repeated = once && (await findRepeatedRun(context, caller.id, once));
  if (repeated) return { taskid: repeated.id, socketaccesstoken: repeated.token };
  if (!(await context.hasRoom())) throw new AtelierError("DISK_FULL");
  const parameters = model.parameters.flatMap((group) => group.items);
  const parsed = parseInput(parameters, fields, { drawSeed, textCharacters: limits.textCharacters, files: fileRules(files) });
  if (!parsed.ok) throw new AtelierError(parsed.failure.code, parsed.failure.details);
  const callbackUrl = callbackUrlIn(fields);
  const task = await withRunFiles(context, { caller, files, parsed }, async ({ input, echo, fileIds }) => {
    const created = await createTask(context, { projectId: caller.id, model, parameters: echo, input, fileIds, callbackUrl, once });
    // Thrown, so that the files of the repetition are removed: the task has those of the first request.
    if (created.isRepeated) throw new RepeatedRun(created);
    return created;
  }).catch((error: unknown) => {
    if (error instanceof RepeatedRun) return error.task;
    throw error;
  });
  return { taskid: task.id, socketaccesstoken: task.token };
}

/** Two requests with one idempotency key came at once, and this one was second. */
class RepeatedRun extends Error {
  readonly task: CreatedTask;

  constructor(task: CreatedTask) {
    super("the run was created by another request");
    this.task = task;
  }
}

/** A run takes files under the names of its model's file parameters; none where there is no such model. */
export function runFilesWanted(context: RouteContext, path: WireRequest["path"]): (field: string) => boolean {
  const model = context.models.find({ owner: path["owner"] ?? "", slug: path["model"] ?? "" });
  const items = model?.parameters.flatMap((group) => group.items) ?? [];
  const names = new Set(items.filter(isFileParameter).map((item) => item.id));
  return (field) => names.has(field);
}

/** How many files of the body there are for each parameter. */
function fileRules(files: WireRequest["files"]): FileRules {
  const fileParts: Record<string, number> = Object.create(null) as Record<string, number>;
  for (const { field } of files) fileParts[field] = (fileParts[field] ?? 0) + 1;
  return { fileParts, most: limits.inputFiles, urlCharacters: limits.inputUrlCharacters };
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
