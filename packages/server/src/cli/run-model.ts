// Runs a model through the HTTP API: creates the task, follows it to its end, saves its pictures.

import { mkdtemp, rmdir, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { isTerminal, statuses } from "@atelier/schema/status";
import type { Status } from "@atelier/schema/status";
import { z } from "zod";

import { makeFolder } from "../data-folder/make-folder.ts";
import { limits } from "../limits.ts";
import { OperatorError } from "../operator-error.ts";
import { sentence } from "../sentence.ts";
import { ApiRefusal } from "./api-client.ts";
import type { ApiClient } from "./api-client.ts";
import { asFailureToFollow } from "./command-failure.ts";
import { outlast } from "./outlast.ts";
import type { ProgressLine } from "./progress-line.ts";

export interface RunModelOptions {
  /** `owner/model`, as in the URL of its page. */
  readonly model: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Folder for the pictures; made when missing, before anything is drawn. */
  readonly outputDir: string;
}

export interface RunOutcome {
  readonly taskid: string;
  readonly status: Status;
  readonly pexit: string;
  readonly debugerror: string;
  readonly elapsedseconds: string;
  /** Absolute paths, in the order of the outputs. */
  readonly files: readonly string[];
}

const runAnswer = z.looseObject({ taskid: z.string() });
const anyAnswer = z.looseObject({});
const progressSchema = z.object({ step: z.number(), stepTotal: z.number(), secondsPerStep: z.number() });
const taskSchema = z.looseObject({
  status: z.enum(statuses),
  pexit: z.string().nullish(),
  debugerror: z.string(),
  elapsedseconds: z.string(),
  outputs: z.array(z.looseObject({ name: z.string(), url: z.string() })),
  progress: progressSchema.nullish(),
  queueposition: z.string().optional(),
  queueworkers: z.string().optional(),
  estimatedstarttime: z.string().optional(),
});
const detailAnswer = z.looseObject({ tasklist: z.tuple([taskSchema]) });

type ShownTask = z.infer<typeof taskSchema>;

export interface RunModelDeps {
  readonly client: ApiClient;
  readonly progress: ProgressLine;
  readonly signal: AbortSignal;
  /** How long a server may be away while the task is followed. Default: the limit. */
  readonly awayMs?: number;
  /** How long a task waits without a worker that offers its model until that is said. Default: the limit. */
  readonly noWorkerMs?: number;
}

/** Resolves when the task has ended, well or badly. Aborting `signal` stops the task, and the outcome says so.
 *  Throws the signal's reason when there is no task yet, COMMAND_FAILED when the pictures could not be saved, the server refuses the run, or cannot be reached. */
export async function runModel(given: RunModelDeps, options: RunModelOptions): Promise<RunOutcome> {
  const deps = { awayMs: limits.clientAwayMs, noWorkerMs: limits.clientNoWorkerMs, ...given };
  const { client, progress, signal } = deps;
  await openOutputFolder(resolve(options.outputDir));
  signal.throwIfAborted();
  const { taskid } = await createTask(client, options);
  try {
    const task = await follow(deps, taskid).catch((error: unknown) => asFailureToFollow(error, taskid));
    progress.end();
    const files = await save(deps, task, { ...options, taskid });
    const { status, debugerror, elapsedseconds } = task;
    return { taskid, status, pexit: task.pexit ?? "", debugerror, elapsedseconds, files };
  } finally {
    progress.end();
  }
}

/** Throws COMMAND_FAILED for what is not `owner/model`. */
export function splitModelName(model: string): [owner: string, slug: string] {
  const [owner = "", slug = "", ...more] = model.split("/");
  if (owner !== "" && slug !== "" && more.length === 0) return [owner, slug];
  throw new OperatorError("COMMAND_FAILED", {
    problem: `"${model}" is not the name of a model.`,
    remedy: "Give it as owner/model, for example arsmachina/baroque-space-opera-v1.",
  });
}

/** Before the run: what is drawn is paid for. */
async function openOutputFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    await rmdir(await mkdtemp(join(folder, ".atelier-run-")));
  } catch (cause) {
    const problem = sentence(`No pictures can be saved in ${folder}: ${reasonOf(cause)}`);
    throw new OperatorError("COMMAND_FAILED", { problem, remedy: "Name a folder that you may write with --output." }, { cause });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof OperatorError) return error.problem;
  return error instanceof Error ? error.message : String(error);
}

async function createTask(client: ApiClient, { model, parameters }: RunModelOptions): Promise<{ taskid: string }> {
  const [owner, slug] = splitModelName(model);
  const path = `/v1/Run/${encodeURIComponent(owner)}/${encodeURIComponent(slug)}`;
  return client.post(path, parameters, runAnswer);
}

/** Asks until the task has ended, also over a restart of the server. A signal turns into Kill or Cancel, once, and is
 *  followed to the end as well. */
async function follow(deps: Required<RunModelDeps>, taskid: string): Promise<ShownTask> {
  const { client, progress, signal } = deps;
  const ask = () => client.post("/v1/Task/Detail", { taskid, progress: true }, detailAnswer);
  let stopSent = false;
  let servedAt = Date.now();
  const onAway = (): void => progress.show({ label: `${client.baseUrl} does not answer; asking again` });
  for (;;) {
    if (signal.aborted && !stopSent) {
      stopSent = true;
      await stopTask(client, taskid);
    }
    const answer = await outlast(ask, { ...deps, onAway }).catch((error: unknown) => {
      // The signal came while the server was away: it is handled first.
      if (signal.aborted && !stopSent) return undefined;
      throw error;
    });
    if (!answer) continue;
    const [task] = answer.tasklist;
    // That it was stopped is said at the end, with its name.
    if (task.queueworkers !== "0") servedAt = Date.now();
    const isUnserved = Date.now() - servedAt >= deps.noWorkerMs && task.queueworkers === "0";
    if (isUnserved) progress.show({ label: "waiting: no worker of the server offers this model" });
    else if (task.status !== "task_cancel") progress.show(progressState(task));
    if (isTerminal(task.status)) return task;
    // Ends early when the signal comes; that is then handled above.
    const options = stopSent ? {} : { signal };
    await delay(limits.clientPollMs, undefined, options).catch(() => undefined);
  }
}

/** Kill for a task that a worker holds, Cancel for one that waits. Both refuse a task that has just ended. */
async function stopTask(client: ApiClient, taskid: string): Promise<void> {
  for (const path of ["/v1/Task/Kill", "/v1/Task/Cancel"]) {
    try {
      await client.post(path, { taskid }, anyAnswer);
      return;
    } catch (error) {
      if (!(error instanceof ApiRefusal)) throw error;
    }
  }
}

function progressState(task: ShownTask): { label: string; done?: number; total?: number; note?: string | undefined } {
  const failed = task.status === "task_postprocess_end" && task.pexit !== "0";
  const label = failed ? "failed" : (statusLabels[task.status] ?? "working");
  if (task.status === "task_queue") return { label, note: waitNote(task) };
  if (!task.progress || isTerminal(task.status)) return { label };
  const { step, stepTotal, secondsPerStep } = task.progress;
  return { label, done: step, total: stepTotal, note: `${secondsPerStep.toFixed(2)} s/step` };
}

/** `place 3, about 12 s` */
function waitNote({ queueposition, estimatedstarttime }: ShownTask): string | undefined {
  if (queueposition === undefined) return undefined;
  const seconds = Math.max(0, Number(estimatedstarttime ?? 0) - Math.floor(Date.now() / 1000));
  return `place ${queueposition}${estimatedstarttime === "0" ? "" : `, about ${seconds} s`}`;
}

const statusLabels: Partial<Record<Status, string>> = {
  task_queue: "waiting",
  task_accept: "starting",
  task_preprocess_start: "starting",
  task_preprocess_end: "starting",
  task_assign: "loading the model",
  task_start: "drawing",
  task_output: "drawing",
  task_output_full: "saving",
  task_end: "saving",
  task_postprocess_start: "saving",
  task_postprocess_end: "done",
};

async function save(
  deps: Required<RunModelDeps>,
  task: ShownTask,
  { model, outputDir, taskid }: RunModelOptions & { taskid: string },
): Promise<string[]> {
  const { client } = deps;
  // The server is reached where it was found; its public name may not resolve from here.
  const pictures = task.outputs.map(({ name, url }) => ({ name, url: `${client.baseUrl}${new URL(url).pathname}` }));
  const prefix = `${fileName(model.split("/")[1] ?? "")}-${fileName(taskid)}`;
  const files: string[] = [];
  try {
    for (const { name, url } of pictures) {
      const path = join(resolve(outputDir), `${prefix}-${fileName(name)}`);
      await writeFile(path, await outlast(() => client.download(url), deps));
      files.push(path);
    }
  } catch (cause) {
    const problem = sentence(`Task ${taskid} is done, but its pictures could not be saved: ${reasonOf(cause)}`);
    const remedy = ["The server keeps them; nothing has to be drawn again:", ...pictures.map(({ url }) => url)].join("\n");
    throw new OperatorError("COMMAND_FAILED", { problem, remedy }, { cause });
  }
  return files;
}

/** Names come from the server: nothing in them may lead out of the folder. */
function fileName(name: string): string {
  return basename(name).replaceAll(/[^A-Za-z0-9._-]/g, "_");
}
