// A task and its outputs as the wire shows them, every field in its exact form (docs/wire-contract.md, "Task object").

import { fixedDecimal, costText } from "./wire-decimal.ts";
import { unixSeconds } from "./wire-time.ts";
import type { Status } from "./status.ts";
import type { WireOutput, WireTask } from "./wire-task-schema.ts";

/** What the encoder reads of an output. `fileKey` is turned into the absolute URL by `WireContext.outputUrl`. */
export interface WireOutputSource {
  readonly id: string;
  readonly name: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly accessKey: string;
  readonly fileKey: string;
  readonly addedAt: Date;
}

/** What the encoder reads of a task. */
export interface WireTaskSource {
  /** Decimal digits. */
  readonly id: string;
  readonly projectId: string;
  readonly projectUuid: string;
  /** Task token: 30 letters and digits. */
  readonly token: string;
  /** Clean `owner/slug`. */
  readonly model: string;
  readonly modelId: string;
  readonly status: Status;
  /** The request as it came. */
  readonly parameters: Record<string, unknown>;
  readonly callbackUrl: string;
  /** US dollars per second, 12 decimals. */
  readonly cps: string;
  /** Seconds from accept to the end of the engine run, 4 decimals. */
  readonly elapsedSeconds: string;
  /** US dollars, 12 decimals. */
  readonly totalCost: string;
  /** Exit code as text; null while the task runs. */
  readonly pexit: string | null;
  readonly debugOutput: string;
  readonly debugError: string;
  /** 32 hex digits. */
  readonly outputFolderId: string;
  readonly times: Readonly<Record<WireTaskTime, Date | null>>;
  readonly outputs: readonly WireOutputSource[];
}

export type WireTaskTime =
  | "created"
  | "accepted"
  | "preprocessStarted"
  | "preprocessEnded"
  | "assigned"
  | "started"
  | "ended"
  | "postprocessStarted"
  | "postprocessEnded"
  | "cancelled";

export interface WireContext {
  /** The model's public facts; undefined when the model is no longer served. */
  readonly model: { readonly description: string; readonly categories: readonly string[] } | undefined;
  /** Absolute URL of an output: relative ones make official clients drop the whole answer. */
  readonly outputUrl: (fileKey: string) => string;
  /** How long outputs are kept after the end of their task; undefined: until they are deleted. */
  readonly outputDays?: number | undefined;
}

export type { WireOutput, WireTask };

export function wireTask(task: WireTaskSource, context: WireContext): WireTask {
  const [modelslugowner = "", modelslugproject = ""] = task.model.split("/");
  return {
    id: task.id,
    uuid: task.projectUuid,
    name: "",
    socketaccesstoken: task.token,
    parameters: task.parameters,
    debugoutput: task.debugOutput,
    debugerror: task.debugError,
    ...wireTimes(task.times),
    elapsedseconds: fixedDecimal(task.elapsedSeconds, 4),
    status: task.status,
    // Text, because the number 0 reads as a failure in one official client; "" while the task runs.
    pexit: task.pexit ?? "",
    cps: fixedDecimal(task.cps, 12),
    totalcost: costText(task.totalCost),
    guestid: null,
    projectid: task.projectId,
    modelid: task.modelId,
    description: "",
    basemodelid: "0",
    runtype: "model",
    modelfolderid: "",
    modelfileid: "",
    callbackurl: task.callbackUrl,
    marketplaceid: null,
    categories: JSON.stringify(context.model?.categories ?? []),
    modeldescription: context.model?.description ?? "",
    modelslugowner,
    modelslugproject,
    outputfolderid: task.outputFolderId,
    outputs: task.outputs.map((output) => wireOutput(output, task, context)),
    size: String(task.outputs.reduce((sum, output) => sum + output.sizeBytes, 0)),
  };
}

function wireOutput(
  output: WireOutputSource,
  task: Pick<WireTaskSource, "outputFolderId" | "projectUuid" | "times">,
  context: WireContext,
): WireOutput {
  return {
    id: output.id,
    name: output.name,
    contenttype: output.contentType,
    parentid: task.outputFolderId,
    uuid: task.projectUuid,
    size: String(output.sizeBytes),
    addedtime: unixSeconds(output.addedAt),
    modifiedtime: unixSeconds(output.addedAt),
    accesskey: output.accessKey,
    foldercount: "0",
    filecount: "0",
    ispublic: 0,
    expiretime: expiryOf(task, context),
    url: context.outputUrl(output.fileKey),
  };
}

function expiryOf({ times }: Pick<WireTaskSource, "times">, { outputDays }: Pick<WireContext, "outputDays">): string | null {
  const ended = times.cancelled ?? times.postprocessEnded;
  return outputDays === undefined || ended === null ? null : unixSeconds(new Date(ended.getTime() + outputDays * 86_400_000));
}

function wireTimes(times: WireTaskSource["times"]) {
  return {
    createtime: unixSeconds(times.created),
    canceltime: unixSeconds(times.cancelled),
    accepttime: unixSeconds(times.accepted),
    preprocessstarttime: unixSeconds(times.preprocessStarted),
    preprocessendtime: unixSeconds(times.preprocessEnded),
    assigntime: unixSeconds(times.assigned),
    starttime: unixSeconds(times.started),
    endtime: unixSeconds(times.ended),
    postprocessstarttime: unixSeconds(times.postprocessStarted),
    postprocessendtime: unixSeconds(times.postprocessEnded),
  };
}
