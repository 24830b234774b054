// What a real MCP client does with the tools, whichever way it is connected; the client checks every answer by its own schema.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { expect } from "vitest";

type Answer = Record<string, unknown>;

export const toolNames = [
  "cancel_task", "explore", "get_model_schema", "get_task", "get_task_price", "kill_task", "list_tasks",
  "recommend_model", "run_model", "search_docs", "search_models", "upload_file", "wait_for_task",
];

export function openClient(): Client {
  return new Client({ name: "test", version: "0" });
}

/** The structured answer of a tool; throws for a refusal with its text. */
export async function use(client: Client, name: string, given: object = {}): Promise<Answer> {
  const result = await client.callTool({ name, arguments: given as Answer });
  const [content] = result.content as { text: string }[];
  if (result.isError) throw new Error(content?.text);
  expect(JSON.parse(content?.text ?? "")).toEqual(result.structuredContent);
  return result.structuredContent as Answer;
}

/** Calls twelve of the thirteen tools; `file`: an address that the server may fetch. Leaves `wait_for_task` to whoever ends tasks. */
export async function exerciseTools(client: Client, { model, file }: { model: string; file: string }): Promise<void> {
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name).toSorted()).toEqual(toolNames);
  expect(tools.every(({ outputSchema }) => outputSchema !== undefined)).toBe(true);

  const found = (await use(client, "search_models", { search: model })) as { models: { slug: string }[] };
  expect(found).toMatchObject({ start: 0, limit: 20, nextAction: { tool: "get_model_schema" } });
  expect(found.models.map(({ slug }) => slug)).toContain(model);
  const recommended = (await use(client, "recommend_model", { task: `something with ${model}` })) as { models: { slug: string }[] };
  expect(recommended.models.map(({ slug }) => slug)).toContain(model);
  const { categories } = (await use(client, "explore")) as { categories: { models: { slug: string }[] }[] };
  expect(categories.flatMap(({ models }) => models.map(({ slug }) => slug))).toContain(model);
  const { model: shown } = (await use(client, "get_model_schema", { model })) as { model: { parameters: { items: { id: string }[] }[] } };
  expect(shown.parameters.flatMap(({ items }) => items.map(({ id }) => id))).toContain("prompt");

  const docs = (await use(client, "search_docs", { query: "how are callbacks signed" })) as { matches: { title: string; text: string }[] };
  expect(docs.matches[0]?.text).toMatch(/sign/);
  expect(await use(client, "search_docs", { query: "qqzzqq" })).toMatchObject({ matches: [] });
  expect(await use(client, "upload_file", { url: file, file_name: "a \"moon\".png" })).toMatchObject({
    file: { mimeType: "image/png", sizeBytes: expect.any(Number), url: expect.stringMatching(/^https?:\/\//) },
  });
  await expect(use(client, "upload_file", { url: "http://169.254.169.254/latest" })).rejects.toThrow("does not lead to a public host");

  const run = { model, params: { prompt: "slow stepMs=60000" }, wait: false };
  const { task, nextAction } = (await use(client, "run_model", run)) as { task: { id: string; token: string }; nextAction: object };
  expect(nextAction).toMatchObject({ tool: "wait_for_task", arguments: { tasktoken: task.token } });
  expect(await use(client, "get_task", { taskid: task.id })).toMatchObject({ task: { id: task.id, model } });
  expect(await use(client, "get_task_price", { tasktoken: task.token })).toMatchObject({ billed: null, costUsd: null });
  expect(await use(client, "list_tasks", { limit: 1 })).toMatchObject({ tasks: [{ task: { id: task.id } }] });
  const cancelled = use(client, "cancel_task", { tasktoken: task.token }).catch(() => use(client, "kill_task", { tasktoken: task.token }));
  expect(await cancelled).toMatchObject({ success: true, task: { id: task.id } });
  expect(await use(client, "get_task", { taskid: task.id })).toMatchObject({ state: "cancelled" });
  await expect(use(client, "kill_task", { tasktoken: task.token })).rejects.toThrow();
  await expect(use(client, "get_task")).rejects.toThrow("Give tasktoken or taskid.");
  await expect(use(client, "run_model", { model, params: { prompt: "a", steps: 100_000 } })).rejects.toThrow("[steps]");
  await expect(use(client, "run_model", { model: "no-slash" })).rejects.toThrow("owner/model");
}
