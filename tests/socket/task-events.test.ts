import { get } from "node:http";
import type { IncomingMessage } from "node:http";

import { serverFrameSchema } from "@atelier/schema/wire-frame-schema";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { readEvents } from "./event-source.ts";
import type { StreamedEvent } from "./event-source.ts";
import { startWorld } from "./setup.ts";
import type { Listening, World } from "./setup.ts";

const numbers = (to: number): number[] => Array.from({ length: to }, (_, at) => at + 1);
const ids = (events: readonly StreamedEvent[]): number[] => events.map(({ id }) => id);

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.work(4);
});
afterAll(() => world.stop());

describe("GET /v1/Task/Events", () => {
  it("replays the log, follows it, and ends with the task, in the socket's frames", async () => {
    const { taskid, socketaccesstoken } = await world.run({ prompt: "stepMs=2", steps: 4 });
    const live = await readEvents(world.server.url, socketaccesstoken);
    const later = await readEvents(world.server.url, socketaccesstoken);
    const socket = await world.server.connect();
    socket.follow(socketaccesstoken, { afterseq: 0 });
    await socket.end(taskid);
    expect(live.events).toEqual(later.events);
    expect(live.events.map(({ frame }) => frame)).toEqual(socket.of(taskid));
    expect(ids(live.events)).toEqual(numbers(live.events.length));
    expect(live.events.every(({ id, frame }) => frame["seq"] === id && serverFrameSchema.safeParse(frame).success)).toBe(true);
    expect(live.events.at(-1)?.frame).toMatchObject({ type: "task_postprocess_end", terminal: true, success: true });
    expect(live.text).toMatch(/^retry: 1000\n\n/);
  });

  it("starts after the event that a reader names, and the header goes before the query", async () => {
    const { socketaccesstoken: token } = await world.run({ steps: 1 });
    const { events } = await readEvents(world.server.url, token);
    const rest = (from: number) => events.slice(from);
    expect((await readEvents(world.server.url, token, { lastEventId: 3 })).events).toEqual(rest(3));
    expect((await readEvents(world.server.url, token, { query: "?afterseq=2" })).events).toEqual(rest(2));
    expect((await readEvents(world.server.url, token, { query: "?afterseq=2", lastEventId: 5 })).events).toEqual(rest(5));
    expect((await readEvents(world.server.url, token, { query: "?afterseq=two" })).events).toEqual(events);
    const emptyHeader = await fetch(`${world.server.url}/v1/Task/Events/${token}?afterseq=2`, { headers: { "last-event-id": "" } });
    expect(await emptyHeader.text()).not.toMatch(/^id: ?1$/m);
  });

  it("answers 204 when nothing is left to come, so that a browser stays away", async () => {
    const { socketaccesstoken: token } = await world.run({ steps: 1 });
    const last = (await readEvents(world.server.url, token)).events.length;
    for (const lastEventId of [last, last + 1, 2 ** 40]) {
      expect(await readEvents(world.server.url, token, { lastEventId })).toEqual({ status: 204, events: [], text: "" });
    }
  });

  it("refuses a token that names no task with the contract's error", async () => {
    for (const token of ["A".repeat(30), "1001", "a%00b", "x".repeat(100)]) {
      const answer = await fetch(`${world.server.url}/v1/Task/Events/${token}`);
      expect(await answer.json()).toMatchObject({ result: false, errors: [{ code: 1, message: "There is no task yet." }] });
    }
  });
});

describe.each([
  ["event stream", byEvents],
  ["socket", bySocket],
] as const)("an %s that breaks off again and again", (_name, read) => {
  it("brings every event once, across reconnects, two servers and a restart of one", async () => {
    const { socketaccesstoken: token } = await world.run({ prompt: "stepMs=8", steps: 60 });
    let other = await world.listenBeside();
    const seen: number[] = [];
    let isOver = false;
    for (let turn = 0; !isOver; turn += 1) {
      if (turn === 3) {
        await other.app.close();
        other = await world.listenBeside();
      }
      const part = await read(turn % 2 === 0 ? other : world.server, token, { after: seen.at(-1) ?? 0, most: 1 + (turn % 9) });
      seen.push(...part.seqs);
      isOver = part.isOver;
    }
    const { rows } = await world.db.query<{ last: number }>("select last_event_seq as last from tasks where token = $1", [token]);
    expect(seen).toEqual(numbers(rows[0]?.last ?? 0));
    // A slow machine leaves out progress, never a status.
    expect(seen.length).toBeGreaterThan(20);
  });
});

interface Part {
  readonly seqs: number[];
  readonly isOver: boolean;
}

async function byEvents(server: Listening, token: string, { after, most }: { after: number; most: number }): Promise<Part> {
  const { events } = await readEvents(server.url, token, { most, ...(after > 0 && { lastEventId: after }) });
  return { seqs: ids(events), isOver: events.at(-1)?.frame["terminal"] === true };
}

async function bySocket(server: Listening, token: string, { after, most }: { after: number; most: number }): Promise<Part> {
  const client = await server.connect();
  client.follow(token, { afterseq: after });
  const frames = () => client.frames.slice(1, most + 1);
  await client.until(() => frames().length === most || frames().at(-1)?.["terminal"] === true);
  client.ws.terminate();
  return { seqs: frames().map((frame) => Number(frame["seq"])), isOver: frames().at(-1)?.["terminal"] === true };
}

describe("event streams within limits", () => {
  let idle: World;
  beforeAll(async () => {
    idle = await startWorld();
  });
  afterAll(() => idle.stop());

  it("holds no more streams than its limit until a reader leaves, and ends them when the server stops", async () => {
    const server = await idle.listenStreaming({ eventStreams: 1 });
    const { socketaccesstoken: token } = await idle.run({});
    const url = `${server.url}/v1/Task/Events/${token}`;
    const first = await fetch(url);
    expect((await fetch(url)).status).toBe(503);
    await first.body?.cancel();
    let next = await fetch(url);
    while (next.status !== 200) next = await fetch(url);
    const text = next.text();
    await server.app.close();
    expect(await text).not.toContain('"terminal":true');
  });

  it("holds no more streams than its limit when readers come at once", { timeout: 15_000 }, async () => {
    const server = await idle.listenStreaming({ eventStreams: 1 });
    const { socketaccesstoken: token } = await idle.run({});
    const ask = async (): Promise<number> => (await fetch(`${server.url}/v1/Task/Events/${token}`)).status;
    const asked = await idle.db.transaction(async (tx) => {
      // Both come while no task can be read: only a place taken before the reading refuses the second.
      await tx.query("lock table tasks in access exclusive mode");
      const both = [ask(), ask()];
      expect(await Promise.race(both)).toBe(503);
      return { both };
    });
    expect((await Promise.all(asked.both)).sort()).toEqual([200, 503]);
    await server.app.close();
  });

  it("fills silences with comments", async () => {
    const server = await idle.listenStreaming({ syncKeepAliveMs: 10 });
    const { socketaccesstoken: token } = await idle.run({});
    const answer = await fetch(`${server.url}/v1/Task/Events/${token}`);
    let text = "";
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (text.includes(": keep-alive\n\n")) break;
    }
    expect(text).toContain('"type":"task_queue"');
  });

  it("leaves in the table what a reader does not take, and cuts a reader that stays behind", async () => {
    const socketPath = await idle.listenStreamingNarrow({ eventStreams: 1, syncKeepAliveMs: 50 });
    const { taskid, socketaccesstoken: token } = await idle.run({});
    const progress = JSON.stringify({ step: 1, stepTotal: 2, secondsPerStep: 1 });
    await idle.db.query(
      "insert into task_events (task_id, seq, attempt, type, data) select $1, n, 1, 'task_output', $2::jsonb from generate_series(2, 20000) n",
      [taskid, progress],
    );
    await idle.db.query("update tasks set last_event_seq = 20000 where id = $1", [taskid]);
    const ask = (): Promise<IncomingMessage> => new Promise((resolve) => get({ socketPath, path: `/v1/Task/Events/${token}` }, resolve));
    // It reads nothing; what the server has sent lies in the kernel, so only the server knows that it was cut.
    const slow = (await ask()).pause();
    expect(slow.statusCode).toBe(200);
    const next = await vi.waitUntil(async () => {
      const answer = await ask();
      if (answer.statusCode === 200) return answer;
      answer.resume();
      return undefined;
    }, 30_000);
    for (const answer of [slow, next]) answer.destroy();
  });
});
