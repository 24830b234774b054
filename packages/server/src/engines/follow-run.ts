// Turns the messages of one run into callbacks and one result.

import type { FromEngine } from "@atelier/schema/engine-messages";

export type Progress = Extract<FromEngine, { type: "progress" }>;
export type EngineOutput = Extract<FromEngine, { type: "output" }>;

export interface RunFollower {
  readonly onProgress: (progress: Progress) => void;
  /** A line of the engine's log, or of its stdout. */
  readonly onLog: (text: string) => void;
  /** A line of its stderr, or that it logged as an error. */
  readonly onErrorLine: (text: string) => void;
}

/** How a run ended. `crashed`: the engine itself is gone; the same run may be tried again. */
export type RunResult =
  | { kind: "done"; outputs: EngineOutput[]; loadCount: number; elapsedMs: number }
  | { kind: "failed"; code: string; message: string }
  | { kind: "cancelled" }
  | { kind: "crashed"; reason: string };

export function followRun(
  runId: string,
  follower: RunFollower,
): { result: Promise<RunResult>; onMessage: (message: FromEngine) => void; onExit: (reason: string) => void } {
  const outputs: EngineOutput[] = [];
  let settle: (result: RunResult) => void = () => undefined;
  const result = new Promise<RunResult>((resolve) => (settle = resolve));
  const onMessage = (message: FromEngine): void => {
    if (message.type === "fatal") return settle({ kind: "crashed", reason: `${message.code}: ${message.message}` });
    // A late message of an earlier run must not touch this one.
    if (!("runId" in message) || message.runId !== runId) return;
    if (message.type === "progress") follower.onProgress(message);
    else if (message.type === "output") outputs.push(message);
    else if (message.type === "failed") settle({ kind: "failed", code: message.code, message: message.message });
    else if (message.type === "cancelled") settle({ kind: "cancelled" });
    else if (message.type === "done") {
      settle({ kind: "done", outputs, loadCount: message.loadCount, elapsedMs: message.elapsedMs });
    }
  };
  return { result, onMessage, onExit: (reason) => settle({ kind: "crashed", reason }) };
}
