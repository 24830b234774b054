import { expect, it } from "vitest";

import { openLog } from "./log.ts";

function setup(pretty: boolean): { log: ReturnType<typeof openLog>; lines: string[] } {
  const lines: string[] = [];
  return { log: openLog({ level: "info", pretty, destination: { write: (line) => void lines.push(line) } }), lines };
}

it("hides keys, secrets and signatures wherever they stand", () => {
  const { log, lines } = setup(false);
  const hidden = "do-not-show";
  log.info({ apikey: hidden, headers: { "x-api-key": hidden, "x-signature": hidden }, task: { token: hidden } }, "event");
  log.info({ config: { masterKey: hidden, databaseUrl: hidden } }, "event");
  expect(lines.join("")).not.toContain(hidden);
  expect(lines.join("")).toContain("[hidden]");
});

it("writes of an error its message, code and cause, and nothing that a library hung on it", () => {
  const { log, lines } = setup(false);
  const error = Object.assign(new Error("outer", { cause: new Error("inner") }), { code: "X1", client: { host: "private" } });
  log.warn({ err: error }, "event");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ err: { message: "outer", code: "X1", cause: { message: "inner" } } });
  expect(lines[0]).not.toContain("private");
});

it("writes short lines for people", () => {
  const { log, lines } = setup(true);
  log.info({ taskId: "12", reason: "two words" }, "task.claimed");
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d info {2}task\.claimed taskId=12 reason="two words"\n$/);
});
