import { getEventListeners } from "node:events";

import { expect, test } from "vitest";

import { OpenWatches } from "./open-watches.ts";

/** A watch that lasts until its signal is aborted. */
function watchIn(watches: OpenWatches, gone = new AbortController()) {
  const ended = watches.watch(gone.signal, (signal) => {
    if (signal.aborted) return Promise.resolve("at once");
    return new Promise<string>((resolve) => signal.addEventListener("abort", () => resolve("aborted")));
  });
  return { gone, ended };
}

test("a watch ends with its connection, and alone", async () => {
  const watches = new OpenWatches();
  const [first, second] = [watchIn(watches), watchIn(watches)];
  first.gone.abort();
  expect(await first.ended).toBe("aborted");
  expect(await Promise.race([second.ended, Promise.resolve("goes on")])).toBe("goes on");
  expect(await watchIn(watches, first.gone).ended).toBe("at once");
});

test("all watches end with the server, and what comes later ends at once", async () => {
  const watches = new OpenWatches();
  const open = [watchIn(watches), watchIn(watches)];
  watches.close();
  expect(await Promise.all(open.map(({ ended }) => ended))).toEqual(["aborted", "aborted"]);
  expect(await watchIn(watches).ended).toBe("at once");
});

test("a watch that is over has left its connection", async () => {
  const gone = new AbortController();
  await new OpenWatches().watch(gone.signal, async () => {
    expect(getEventListeners(gone.signal, "abort")).toHaveLength(1);
  });
  expect(getEventListeners(gone.signal, "abort")).toEqual([]);
});
