// What `atelier run` was given as key=value, held against what the model takes: a misspelt input would draw the default.

import { readFile } from "node:fs/promises";
import { basename } from "node:path";

import { companionKey } from "@atelier/schema/input-file";
import { z } from "zod";

import { OperatorError } from "../operator-error.ts";
import type { ApiClient } from "./api-client.ts";
import { splitModelName } from "./run-model.ts";

export type Assignments = readonly (readonly [name: string, value: string])[];

const item = z.looseObject({ id: z.string(), type: z.string() });
const detailAnswer = z.looseObject({ tool: z.tuple([z.looseObject({ parameters: z.array(z.looseObject({ items: z.array(item) })) })]) });
const uploadAnswer = z.looseObject({ list: z.array(z.looseObject({ id: z.string() })).min(1) });
const reserved = ["callbackUrl", "projectid"];

/** `key=value` pairs; the value may hold further equals signs. Throws COMMAND_FAILED on anything else. */
export function parseAssignments(assignments: readonly string[]): Assignments {
  return assignments.map((assignment) => {
    const at = assignment.indexOf("=");
    if (at > 0) return [assignment.slice(0, at), assignment.slice(at + 1)] as const;
    throw new OperatorError("COMMAND_FAILED", {
      problem: `"${assignment}" is not key=value.`,
      remedy: 'Quote values that hold spaces: "prompt=a moon over an arch".',
    });
  });
}

/** The parameters of the run. A repeated name is a list, where the input takes one; `@PATH` in the place of a file uploads that file.
 *  Throws COMMAND_FAILED for a name that the model does not have, one that is given twice for one value, or a file that cannot be
 *  read. `warn`: is told of a text that looks like a file. */
export async function readInputs(
  { client, warn }: { client: ApiClient; warn: (text: string) => void },
  model: string,
  assignments: Assignments,
): Promise<Record<string, unknown>> {
  const [slugowner, slugproject] = splitModelName(model);
  const { tool } = await client.post("/v1/Tool/Detail", { slugowner, slugproject }, detailAnswer);
  const items = tool[0].parameters.flatMap((group) => group.items);
  const files = items.filter(({ type }) => type.endsWith("fileinput")).map(({ id }) => id);
  refuseUnknown(model, assignments, [...items.map(({ id }) => id), ...files.map(companionKey), ...reserved]);
  const lists = items.filter(({ type }) => type === "multiselect").map(({ id }) => id);
  refuseRepeated(assignments, [...lists, ...files, ...files.map(companionKey)]);
  const values = new Map<string, string[]>();
  for (const [name, value] of assignments) {
    const isUpload = files.includes(name) && value.startsWith("@");
    if (!isUpload && looksLikeFile(value)) warn(`${name} takes no file: ${JSON.stringify(value)} is sent as it stands`);
    const sent = isUpload ? await upload(client, value.slice(1)) : value;
    values.set(name, [...(values.get(name) ?? []), sent]);
  }
  return Object.fromEntries([...values].map(([name, list]) => [name, list.length === 1 ? list[0] : list]));
}

function refuseUnknown(model: string, assignments: Assignments, names: readonly string[]): void {
  const unknown = assignments.map(([name]) => name).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new OperatorError("COMMAND_FAILED", {
    problem: `${model} has no input ${JSON.stringify(unknown)}.`,
    remedy: `It takes ${names.filter((name) => !reserved.includes(name)).join(", ")}.`,
  });
}

function refuseRepeated(assignments: Assignments, lists: readonly string[]): void {
  const names = assignments.map(([name]) => name).filter((name) => !lists.includes(name));
  const repeated = names.find((name, at) => names.indexOf(name) < at);
  if (repeated === undefined) return;
  throw new OperatorError("COMMAND_FAILED", { problem: `${repeated} was given twice.`, remedy: "It takes one value: leave one of them out." });
}

/** `@` and a path in one word, as files are named here; prompts may begin with @ as well. */
function looksLikeFile(value: string): boolean {
  return /^@(?:~?\/|\.{1,2}\/|\S*\.(?:png|jpe?g|webp|txt|json)$)\S*$/i.test(value);
}

/** Returns the upload's id. */
async function upload(client: ApiClient, path: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OperatorError("COMMAND_FAILED", { problem: `${path} cannot be read: ${reason}.`, remedy: "Name a file that is there." }, { cause });
  });
  const { list } = await client.upload({ name: basename(path), bytes }, uploadAnswer);
  return list[0]?.id ?? "";
}
