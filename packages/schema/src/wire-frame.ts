// The text frames of the socket, in the union of both generations of their envelope (docs/wire-contract.md, "WebSocket").

import { isTerminal, statuses } from "./status.ts";
import type { Status } from "./status.ts";
import type { WireTask } from "./wire-task.ts";

export interface FrameTask {
  readonly id: string;
  readonly token: string;
}

/** What an engine reported about its steps (engine-messages.ts, "progress"). */
export interface FrameProgress {
  /** Steps finished and steps in all, over all pictures of the run. */
  readonly step: number;
  readonly stepTotal: number;
  /** Mean since the run began. */
  readonly secondsPerStep: number;
  /** On its way from the engine, never stored. */
  readonly preview?: unknown;
}

/** What a frame may be about: a status, or lines of an engine's stderr, which is no status. */
export const frameTypes = [...statuses, "task_error", "task_error_full"] as const;

export type FrameType = (typeof frameTypes)[number];

export type ProgressText = ReturnType<typeof progressText>;

export interface TaskFrame {
  readonly type: FrameType;
  readonly id: string;
  readonly tasktoken: string;
  readonly message: null | string | ProgressText | WireTask["outputs"];
  readonly result: true;
  /** Null until the task has ended. */
  readonly success: boolean | null;
  readonly terminal: boolean;
  /** Null until the task has ended, and for a task that was cancelled before it ran. */
  readonly exitCode: number | null;
}

/** Pushed once to every new connection. */
export const greetingFrame = Object.freeze({ type: "connected", version: "1.0" });

/** Something happened to a task that goes on. `data`: what the event carries. Lines of the engine's stderr are stored with a
 *  `task_output`, because no task rests in `task_error`; that they were all collected is told by a second frame, only where
 *  there were some. */
export function eventFrames(task: FrameTask, event: { type: Status; data: unknown }): TaskFrame[] {
  const stderr = stderrOf(event.data);
  const frame = (type: FrameType, message: TaskFrame["message"] = null): TaskFrame =>
    ({ ...head(task, type), message, result: true, success: null, terminal: false, exitCode: null });
  if (event.type === "task_output_full" && stderr === true) return [frame("task_output_full"), frame("task_error_full")];
  if (event.type !== "task_output") return [frame(event.type)];
  if (typeof stderr === "string") return [frame("task_error", stderr)];
  return [frame("task_output", isProgress(event.data) ? progressText(event.data) : null)];
}

/** The frames of one event, of which only the last carries its number: who breaks off between two of them and comes again with
 *  the last number that it has gets both again, and loses none. */
export function numberedFrames(task: FrameTask, event: { type: Status; data: unknown; seq: number }): { frame: TaskFrame; seq: number | undefined }[] {
  const frames = eventFrames(task, event);
  return frames.map((frame, at) => ({ frame, seq: at === frames.length - 1 ? event.seq : undefined }));
}

/** The task has ended. `shown`: the task as Detail shows it; clients decide by `type` alone and then ask for it. */
export function endFrame(shown: WireTask): TaskFrame {
  const isEnded = isTerminal(shown.status) && shown.status !== "task_cancel";
  return {
    ...head({ id: shown.id, token: shown.socketaccesstoken }, shown.status),
    // Browser samples call `forEach` on the message of task_postprocess_end: a list also where the run failed.
    message: isEnded ? shown.outputs : null,
    result: true,
    success: isEnded && shown.pexit === "0",
    terminal: true,
    exitCode: /^-?[0-9]{1,9}$/.test(shown.pexit) ? Number(shown.pexit) : null,
  };
}

/** How the picture looks after some of its steps: sent only to those who asked for it. */
export function previewFrame(task: FrameTask, preview: { step: number; stepTotal: number; image: string }): PreviewFrame {
  const { step, stepTotal, image } = preview;
  return { type: "task_preview", id: task.id, tasktoken: task.token, message: { stepCurrent: String(step), stepTotal: String(stepTotal), image }, result: true };
}

export interface PreviewFrame {
  readonly type: "task_preview";
  readonly id: string;
  readonly tasktoken: string;
  readonly message: { readonly stepCurrent: string; readonly stepTotal: string; readonly image: string };
  readonly result: true;
}

/** Why the connection is closed after it. */
export function errorFrame(message: string): { type: "error"; message: string; result: false } {
  return { type: "error", message, result: false };
}

/** Steps as the socket words them: every value is text. Speed is in steps a second, to three digits. */
export function progressText({ step, stepTotal, secondsPerStep }: FrameProgress) {
  return {
    type: "progressGenerate",
    task: "Generate",
    percentage: String(stepTotal > 0 ? Math.floor((100 * step) / stepTotal) : 0),
    stepCurrent: String(step),
    stepTotal: String(stepTotal),
    speed: secondsPerStep > 0 ? String(Number((1 / secondsPerStep).toPrecision(3))) : "0",
    speedType: "it/s",
    elapsedTime: secondsText(step * secondsPerStep),
    remainingTime: secondsText((stepTotal - step) * secondsPerStep),
  };
}

export function isProgress(data: unknown): data is FrameProgress {
  if (typeof data !== "object" || data === null) return false;
  // Any object may be looked into; the names are checked here.
  const values = data as Record<string, unknown>;
  return [values["step"], values["stepTotal"], values["secondsPerStep"]].every((value) => Number.isFinite(value));
}

function stderrOf(data: unknown): unknown {
  return typeof data === "object" && data !== null && "stderr" in data ? data.stderr : undefined;
}

function head(task: FrameTask, type: FrameType): Pick<TaskFrame, "type" | "id" | "tasktoken"> {
  return { type, id: task.id, tasktoken: task.token };
}

function secondsText(seconds: number): string {
  return `${Math.max(0, Math.round(seconds))}s`;
}
