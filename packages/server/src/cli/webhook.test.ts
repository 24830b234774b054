import { expect, it } from "vitest";

import { describeDeliveries } from "./webhook.ts";

const delivery = {
  id: "7",
  messageId: "msg_1",
  taskId: "1001",
  url: "https://receiver.test/\u001b[2Jhook",
  createdAt: new Date(0),
};

it("a callback is shown with its tries, and what a terminal would obey is not", () => {
  const attempts = [
    { attempt: 3, startedAt: new Date(2_000), durationMs: null, httpStatus: null, errorClass: null },
    { attempt: 2, startedAt: new Date(1_000), durationMs: 12, httpStatus: 500, errorClass: "http-status" },
    { attempt: 1, startedAt: new Date(0), durationMs: 3, httpStatus: 200, errorClass: null },
  ];
  const shown = describeDeliveries([{ ...delivery, status: "waiting", nextAttemptAt: new Date(5_000), endedAt: null, attempts }]);
  expect(shown.split("\n")).toEqual([
    "7  waiting    task 1001  https://receiver.test/%1B[2Jhook  next try 1970-01-01T00:00:05.000Z",
    "    try 3  1970-01-01T00:00:02.000Z  no outcome",
    "    try 2  1970-01-01T00:00:01.000Z  http-status (500) after 12 ms",
    "    try 1  1970-01-01T00:00:00.000Z  acknowledged (200) after 3 ms",
  ]);
});

it("no callbacks are told as such", () => {
  expect(describeDeliveries([])).toBe("no callbacks");
});
