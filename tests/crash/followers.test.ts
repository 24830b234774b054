// Whoever follows a task, while its server is killed and while strangers write rubbish to the channels that servers listen to.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { readEvents } from "../socket/event-source.ts";
import type { StreamedEvent } from "../socket/event-source.ts";
import { SocketClient } from "../socket/client.ts";
import { CrashServer } from "./crash-server.ts";

const sources = join(import.meta.dirname, "../../packages/server/src");

let server: CrashServer;
beforeEach(async () => {
  server = await CrashServer.create();
  await server.start();
});
afterEach(async () => server.remove());

async function run(body: object): Promise<{ taskid: string; token: string }> {
  const answer = await server.call("/Run/test/fake", body);
  expect(answer).toMatchObject({ result: true });
  return { taskid: String(answer["taskid"]), token: String(answer["socketaccesstoken"]) };
}

test("a reader of the event stream sees every event once, in order, across kills of the server", async () => {
  const { token } = await run({ prompt: "stepMs=25", steps: 120 });
  const seen: StreamedEvent[] = [];
  let kills = 0;
  // As EventSource does: it comes again with the last id that it has seen, until there is nothing left.
  for (let isOver = false; !isOver; ) {
    const { status, events } = await readEvents(server.url, token, { lastEventId: seen.at(-1)?.id ?? 0, most: kills < 2 ? 15 : Infinity });
    seen.push(...events);
    isOver = status === 204;
    if (kills >= 2) continue;
    // One that is connected when the server dies: what it got before counts.
    const lastEventId = seen.at(-1)?.id ?? 0;
    const last = readEvents(server.url, token, { lastEventId });
    await readEvents(server.url, token, { lastEventId, most: 5 });
    await server.signal("server", "SIGKILL");
    seen.push(...(await last).events);
    await server.start();
    kills += 1;
  }
  const { events: log } = await readEvents(server.url, token);
  expect(seen.map(({ id }) => id)).toEqual(Array.from({ length: seen.length }, (_, at) => at + 1));
  // What was shown before a kill is what the log holds after it.
  expect(seen).toEqual(log);
  expect(log.filter(({ frame }) => frame["type"] === "task_accept").length).toBeGreaterThan(1);
});

test("rubbish on every channel that servers listen to is logged and harms nobody", async () => {
  const channels = await listenedChannels();
  expect(channels).toContain("atelier_preview");
  const { taskid, token } = await run({ prompt: "stepMs=25", steps: 1_000 });
  const follower = await SocketClient.connect(`${server.url.replace("http", "ws")}/v1`);
  follower.follow(token, { preview: true });
  const previews = (): number => follower.of(taskid).filter(({ type }) => type === "task_preview").length;
  await follower.until(() => previews() > 0);
  const db = await server.openDatabase();
  const rubbish = ["", "\n\n", "{", "null", "[]", `["${taskid}"]`, `["${taskid}",1,2,{}]`, `${taskid}:x`, ":", "x".repeat(7_999), "\u{1F984}"];
  for (const channel of channels) for (const payload of rubbish) await db.query("select pg_notify($1, $2)", [channel, payload]);
  const before = previews();
  await follower.until(() => previews() > before + 2);
  expect(follower.of(taskid).every(({ type, message }) => type !== "task_preview" || typeof (message as { image: unknown }).image === "string")).toBe(true);
  expect(await server.call("/Task/Kill", { taskid })).toMatchObject({ result: true });
  await follower.end(taskid);
  follower.ws.close();
  await db.close();
  expect(server.isRunning).toBe(true);
  expect(server.log.filter((line) => line.includes("database.listener-failed") && line.includes("atelier_preview")).length).toBeGreaterThan(0);
  expect(await server.stop()).toBe(0);
});

/** Found in the sources, so that none is forgotten. */
async function listenedChannels(): Promise<string[]> {
  const files = (await readdir(sources, { recursive: true })).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  const texts = await Promise.all(files.map((name) => readFile(join(sources, name), "utf8")));
  return [...new Set(texts.flatMap((text) => [...text.matchAll(/"(atelier_[a-z_]+)"/g)].map(([, channel]) => channel ?? "")))];
}
