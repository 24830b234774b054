// The generated page of a model as text: what it takes, and every command with a sample of its answer
// (docs/wire-contract.md, "Model pages"). Served as llms.txt and llms-full.txt.

import type { Manifest, Parameter } from "./manifest.ts";
import { detailAnswer, endedAnswer, runAnswer, sampleCancelledTask, sampleKilledTask, sampleTask } from "./model-page-answers.ts";
import type { SampleAddresses } from "./model-page-answers.ts";
import { headerCommands, runCommand, runUrl, taskCommand } from "./model-page-commands.ts";

export interface PageAddresses extends SampleAddresses {
  /** Absolute URL of the cover; "" leaves its line out. */
  readonly cover: string;
}

/** With its white space collapsed, the page of the seed's model equals the page that was generated for it elsewhere, but for
 *  the addresses. Sections without content are left out. */
export function modelPageText(manifest: Manifest, addresses: PageAddresses): string {
  const { api } = addresses;
  return [
    basics(manifest, addresses),
    section("Model Inputs:", manifest.parameters.flatMap((group) => group.items).map(inputBlock)),
    section("Model Parameter Inspires:", manifest.examples.map(exampleBlock)),
    code("Integration Header Prepare", "bash", headerCommands),
    code("Run Command - Make HTTP Post Request", "bash", runCommand(manifest, api)),
    code("Run Command - Response", "json", runAnswer),
    ...detailSections(addresses),
    ...killSections(addresses),
    ...cancelSections(addresses),
    statusSection,
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function basics(manifest: Manifest, addresses: PageAddresses): string {
  const lines = [
    "## Basic tool info",
    "",
    `Model name: ${oneLine(manifest.owner)}/${oneLine(manifest.slug)}`,
    `Model description: ${oneLine(manifest.description)}`,
    ...(addresses.cover === "" ? [] : [`Model cover: ${addresses.cover}`]),
    ...list("Model categories:", manifest.categories),
    ...list("Model tags:", manifest.tags),
    "Run Task Endpoint (POST):",
    runUrl(manifest, addresses.api),
    "",
    "Get Task Detail Endpoint (POST):",
    `${addresses.api}/Task/Detail`,
  ];
  return lines.join("\n");
}

function list(title: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [title, ...names.map((name) => `  - ${oneLine(name)}`), ""];
}

function inputBlock(item: Parameter): string {
  const lines = [
    `  - name: ${item.id}`,
    `    label: ${oneLine(item.label)}`,
    `    help: ${oneLine(item.note)}`,
    `    type: ${item.type}`,
    `    default: ${oneLine(item.default)}`,
    ...(item.options?.length ? ["    options:", item.options.map(optionBlock).join("\n\n")] : []),
  ];
  return lines.map((line) => line.trimEnd()).join("\n");
}

function optionBlock(option: { label: string; value: string }): string {
  return `      - value: ${JSON.stringify(option.value)}\n        label: ${oneLine(option.label)}`;
}

function exampleBlock(example: Manifest["examples"][number]): string {
  return Object.entries(example)
    .map(([name, value]) => `  - ${name}: ${oneLine(value)}`)
    .join("\n");
}

function detailSections(addresses: PageAddresses): string[] {
  const title = "Get Task Detail";
  return [
    code(`${title} - Make HTTP Post Request with Task ID`, "bash", taskCommand("Detail", addresses.api, { taskid: sampleTask.id })),
    code(
      `${title} - Make HTTP Post Request with Socket Access Token`,
      "bash",
      taskCommand("Detail", addresses.api, { tasktoken: sampleTask.token }),
    ),
    code(`${title} - Response`, "json", detailAnswer(addresses)),
  ];
}

function killSections(addresses: PageAddresses): string[] {
  const { id, token } = sampleKilledTask;
  return [
    code("Kill Task - Make HTTP Post Request with Task ID", "bash", taskCommand("Kill", addresses.api, { taskid: id })),
    code(
      "Kill Task - Make HTTP Post Request with Socket Access Token",
      "bash",
      taskCommand("Kill", addresses.api, { socketaccesstoken: token }),
    ),
    code("Kill Task - Response", "json", endedAnswer(sampleKilledTask, addresses)),
  ];
}

function cancelSections(addresses: PageAddresses): string[] {
  const command = taskCommand("Cancel", addresses.api, { taskid: sampleCancelledTask.id });
  return [
    code("Cancel Task - Make HTTP Post Request (For tasks on queue)", "bash", command),
    code("Cancel Task - Response", "json", endedAnswer(sampleCancelledTask, addresses)),
  ];
}

function section(title: string, blocks: readonly string[]): string {
  return blocks.length === 0 ? "" : `## ${title}\n\n${blocks.join("\n\n")}`;
}

function code(title: string, language: "bash" | "json", text: string): string {
  return `## ${title}\n\`\`\`${language}\n${text}\n\`\`\``;
}

/** A line end inside a value would look like the next line of the page. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

const statusSection = `## Task Status Information
This section defines the possible task status values returned by the API when polling for task completion.

### Completed Task Statuses (Polling can stop)
These indicate that the task has reached a terminal state — either success or failure. Once any of these is received, polling should stop.
- task_postprocess_end : Task completed successfully and post-processing is done.
- task_cancel : Task was cancelled by the user or system.

### Running Task Statuses (Continue polling)
These statuses indicate that the task is still in progress. Polling should continue if one of these is returned.
- task_queue : Task is waiting in the queue.
- task_accept : Task has been accepted for processing.
- task_assign : Task is being assigned to a worker.
- task_preprocess_start : Preprocessing is starting.
- task_preprocess_end : Preprocessing is complete.
- task_start : Task execution has started.
- task_output : Output is being generated.
`;
