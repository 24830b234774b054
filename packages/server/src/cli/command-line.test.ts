import { expect, it } from "vitest";

import { openProgressLine } from "./progress-line.ts";
import { parseAssignments } from "./run-inputs.ts";

it("key=value keeps everything behind the first equals sign", () => {
  expect(parseAssignments(["prompt=a = b", "seed="])).toEqual([["prompt", "a = b"], ["seed", ""]]);
});

it.each(["prompt", "=value"])("refuses %j with an explanation", (assignment) => {
  expect(() => parseAssignments([assignment])).toThrow(expect.objectContaining({ code: "COMMAND_FAILED" }));
});

function recording(isTTY: boolean): { written: string[]; stream: { isTTY: boolean; columns: number; write(text: string): void } } {
  const written: string[] = [];
  return { written, stream: { isTTY, columns: 60, write: (text) => void written.push(text) } };
}

it("a terminal gets one line that redraws itself and never wraps", () => {
  const { written, stream } = recording(true);
  const progress = openProgressLine(stream);
  progress.show({ label: "drawing", done: 1, total: 2, note: "1.00 s/step and a note that is far too long" });
  progress.show({ label: "drawing", done: 1, total: 2, note: "1.00 s/step and a note that is far too long" });
  progress.end();
  expect(written).toHaveLength(2);
  expect(written[0]).toMatch(/^\r.*drawing {2}█{14}░{14} {2}1\/2/);
  expect((written[0] ?? "").length).toBeLessThanOrEqual(60 + 5);
});

it("a log gets a line for each tenth, and none twice", () => {
  const { written, stream } = recording(false);
  const progress = openProgressLine(stream);
  for (let done = 0; done <= 100; done += 1) progress.show({ label: "drawing", done, total: 100 });
  expect(written).toHaveLength(11);
  expect(written.at(-1)).toBe("drawing 100 %\n");
});
