import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { WebSocket } from "ws";

import { limits } from "../../packages/server/src/limits.ts";
import { SocketClient, fetchUpgrade } from "./client.ts";
import { startWorld } from "./setup.ts";
import type { Listening, World } from "./setup.ts";

/** Far more than the kernel and the server keep for a narrow connection: about 2 MB. */
const manyEvents = 6_000;

describe("the limits of the socket", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world.stop());

  /** A running task with a long log. */
  async function longTask(): Promise<{ taskid: string; socketaccesstoken: string }> {
    const started = await world.run();
    await world.db.query(
      `insert into task_events (task_id, seq, attempt, type, data)
       select $1, n, 1, 'task_output', '{"step": 1, "stepTotal": 2, "secondsPerStep": 1}' from generate_series(2, $2) n`,
      [started.taskid, manyEvents],
    );
    await world.db.query("update tasks set status = 'task_output', last_event_seq = $2 where id = $1", [started.taskid, manyEvents]);
    return started;
  }

  /** A client that does not read, and the server's side of its connection, when the server's buffer is full. */
  async function fullSocket(server: Pick<Listening, "app" | "connect">): Promise<{ client: SocketClient; serverSide: Socket }> {
    const accepted = once(server.app.server, "connection");
    const client = await server.connect();
    // The event of a TCP server carries the socket.
    const [serverSide] = (await accepted) as [Socket];
    const { socketaccesstoken } = await longTask();
    client.follow(socketaccesstoken, { afterseq: 0 });
    await client.until(() => client.frames.length > 1);
    client.ws.pause();
    await untilTrue(() => serverSide.writableLength >= limits.socketBufferBytes);
    return { client, serverSide };
  }

  it("what a slow reader cannot take waits in the table, and nothing of it is lost", async () => {
    const { client, serverSide } = await fullSocket(await world.listenNarrow({}));
    // One look of the feed may still be on its way into the buffer.
    expect(serverSide.writableLength).toBeLessThan(limits.socketBufferBytes + 100_000);
    client.ws.resume();
    await client.until(() => client.frames.length === manyEvents + 1);
    expect(client.frames.slice(1).every((frame, at) => frame["seq"] === at + 1)).toBe(true);
  });

  it("a reader that stays behind is cut, and its buffer never grows", async () => {
    const server = await world.listenNarrow({ socketPingMs: 2_000 });
    const { serverSide } = await fullSocket(server);
    let largestBytes = 0;
    const timer = setInterval(() => (largestBytes = Math.max(largestBytes, serverSide.writableLength)), 5);
    await once(serverSide, "close");
    clearInterval(timer);
    expect(largestBytes).toBeLessThan(limits.socketBufferBytes + 100_000);
  });

  it("a client that does not answer pings is cut", async () => {
    const server = await world.listenWithin({ socketPingMs: 50 });
    const client = await SocketClient.connect(`ws://127.0.0.1:${server.port}/v1`, { autoPong: false });
    expect((await client.closed).code).toBe(1006);
  });

  it("a socket that follows nothing is closed, one that waits for a task is not", async () => {
    const server = await world.listenWithin({ socketPingMs: 400, socketIdleMs: 1_000 });
    const { socketaccesstoken } = await world.run();
    const waiting = await server.connect();
    waiting.follow(socketaccesstoken);
    const idle = await server.connect();
    await waiting.until(() => waiting.frames.length > 1);
    expect((await idle.closed).code).toBe(1000);
    for (let pings = 0; pings < 2; pings += 1) await once(waiting.ws, "ping");
    expect(waiting.ws.readyState).toBe(waiting.ws.OPEN);
  });

  it("a task beyond the limit of one socket is refused", async () => {
    const server = await world.listenWithin({ socketTasks: 1 });
    const client = await server.connect();
    for (const { socketaccesstoken } of [await world.run(), await world.run()]) client.follow(socketaccesstoken);
    expect((await client.closed).code).toBe(1008);
    expect(client.frames.at(-1)).toEqual({ type: "error", message: "too many tasks on one socket", result: false });
  });

  it("a socket beyond the limit of the process is refused until another one closes", async () => {
    const server = await world.listenWithin({ sockets: 1 });
    const first = await server.connect();
    expect(await fetchUpgrade(`${server.url}/v1`)).toMatchObject({ status: 503, body: { result: false } });
    first.ws.close();
    await first.closed;
    await untilTrue(async () => {
      const ws = new WebSocket(`ws://127.0.0.1:${server.port}/v1`);
      return Promise.race([once(ws, "open").then(() => true), new Promise<boolean>((resolve) => ws.on("error", () => resolve(false)))]);
    });
  });

  it.each([
    ["that goes on sending and then closes", true],
    ["that never closes", false],
  ])("the server ends the connection of a refused caller %s", async (_what, closes) => {
    const server = await world.listenWithin({ sockets: 0, socketRefusedMs: closes ? 600_000 : 50 });
    const accepted = once(server.app.server, "connection");
    const caller = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    caller.write("GET /v1 HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
    // The event of a TCP server carries the socket.
    const [serverSide] = (await accepted) as [Socket];
    const gone = once(serverSide, "close");
    const [answer] = (await once(caller, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 503 /);
    if (closes) caller.end("and what it had written before it read the answer");
    await gone;
    caller.destroy();
  });

  it("a frame that is too large closes the socket", async () => {
    const client = await (await world.listenWithin({ socketFrameBytes: 100 })).connect();
    client.send(" ".repeat(101));
    expect((await client.closed).code).toBe(1009);
  });

  it("a client that sends without end is closed", async () => {
    const client = await (await world.listenWithin({ socketWaitingFrames: 3 })).connect();
    for (let frames = 0; frames < 200; frames += 1) client.send({});
    expect(await client.closed).toEqual({ code: 1008, reason: "too many frames" });
  });

  it("a server that stops says goodbye, and does not wait for a client that is not there", async () => {
    const server = await world.listenWithin({ socketStopMs: 100 });
    const polite = await server.connect();
    const absent = await server.connect();
    absent.ws.pause();
    await server.app.close();
    expect((await polite.closed).code).toBe(1001);
  });
});

async function untilTrue(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}
