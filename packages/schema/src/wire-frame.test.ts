import { describe, expect, it } from "vitest";

import { endFrame, errorFrame, eventFrames, greetingFrame, isProgress, progressText } from "./wire-frame.ts";
import type { WireTask } from "./wire-task.ts";

const task = { id: "2221", token: "eDcCm5yyUfIvMFspTwww49OUfgXkQt" };
const output = { id: "6bc392c93856dfce3a7d1b4261e15af3", url: "https://pictures.example/outputs/a/0.png" };

/** Only what the frame reads of a shown task. */
function shown(fields: { status: string; pexit: string; outputs: unknown[] }): WireTask {
  return { id: task.id, socketaccesstoken: task.token, ...fields } as unknown as WireTask;
}

describe("socket frames", () => {
  it("tell lines of stderr as task_error, and that they are complete by a frame of its own", () => {
    expect(eventFrames(task, { type: "task_output", data: { stderr: "warning" } })).toMatchObject([{ type: "task_error", message: "warning", terminal: false }]);
    const types = (data: unknown) => eventFrames(task, { type: "task_output_full", data }).map(({ type, message }) => [type, message]);
    expect(types({ stderr: true })).toEqual([["task_output_full", null], ["task_error_full", null]]);
    expect(types(null)).toEqual([["task_output_full", null]]);
  });

  it("show a status without a message, with every field of both generations", () => {
    expect(eventFrames(task, { type: "task_accept", data: null })[0]).toEqual({
      type: "task_accept",
      id: "2221",
      tasktoken: task.token,
      message: null,
      result: true,
      success: null,
      terminal: false,
      exitCode: null,
    });
  });

  it("show progress as text only", () => {
    const data = { type: "progress", runId: "2221-1", index: 0, step: 12, stepTotal: 20, secondsPerStep: 0.4 };
    expect(eventFrames(task, { type: "task_output", data })[0]?.message).toEqual({
      type: "progressGenerate",
      task: "Generate",
      percentage: "60",
      stepCurrent: "12",
      stepTotal: "20",
      speed: "2.5",
      speedType: "it/s",
      elapsedTime: "5s",
      remainingTime: "3s",
    });
  });

  it("write slow, fast and unmeasured speeds without exponents", () => {
    const speed = (secondsPerStep: number): string => progressText({ step: 1, stepTotal: 2, secondsPerStep }).speed;
    expect([7.03, 0.0007, 0].map(speed)).toEqual(["0.142", "1430", "0"]);
  });

  it("take nothing but complete progress for progress", () => {
    expect([null, "text", {}, { step: 1, stepTotal: 2 }, { step: "1", stepTotal: 2, secondsPerStep: 1 }].map(isProgress)).toEqual(
      [false, false, false, false, false],
    );
    expect(eventFrames(task, { type: "task_output", data: { step: 1 } })[0]?.message).toBeNull();
  });

  it("end a good run with its outputs and exit code 0", () => {
    const frame = endFrame(shown({ status: "task_postprocess_end", pexit: "0", outputs: [output] }));
    expect(frame).toMatchObject({ type: "task_postprocess_end", message: [output], success: true, terminal: true, exitCode: 0 });
  });

  it("end a failed run with an empty list", () => {
    const frame = endFrame(shown({ status: "task_postprocess_end", pexit: "1", outputs: [] }));
    expect(frame).toMatchObject({ message: [], result: true, success: false, terminal: true, exitCode: 1 });
  });

  it("end a killed and a cancelled run without a list", () => {
    const killed = endFrame(shown({ status: "task_cancel", pexit: "137", outputs: [] }));
    expect(killed).toMatchObject({ type: "task_cancel", message: null, success: false, terminal: true, exitCode: 137 });
    expect(endFrame(shown({ status: "task_cancel", pexit: "", outputs: [] })).exitCode).toBeNull();
  });

  it("greet and complain in the documented words", () => {
    expect(greetingFrame).toEqual({ type: "connected", version: "1.0" });
    expect(errorFrame("There is no task yet.")).toEqual({ type: "error", message: "There is no task yet.", result: false });
  });
});
