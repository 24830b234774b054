// A socket client as other people write them: plain `ws`, JSON frames, waiting by looking at each frame.

import { once } from "node:events";
import { request } from "node:http";

import { serverFrameSchema } from "@atelier/schema/wire-frame-schema";
import { WebSocket } from "ws";
import type { ClientOptions } from "ws";

export interface Frame extends Record<string, unknown> {
  readonly type: string;
}

export class SocketClient {
  /** Frames of all clients that are not as documented. */
  static readonly wrongFrames: string[] = [];
  readonly ws: WebSocket;
  readonly frames: Frame[] = [];
  /** Code and reason, once the server has closed the connection. */
  readonly closed: Promise<{ code: number; reason: string }>;
  #waiting: { isMet: () => boolean; resolve: () => void }[] = [];

  constructor(ws: WebSocket) {
    this.ws = ws;
    this.closed = once(ws, "close").then(([code, reason]) => ({ code: Number(code), reason: String(reason) }));
    ws.on("message", (data) => {
      const frame = JSON.parse(String(data)) as Frame;
      if (!serverFrameSchema.safeParse(frame).success) SocketClient.wrongFrames.push(String(data));
      this.frames.push(frame);
      const met = this.#waiting.filter(({ isMet }) => isMet());
      this.#waiting = this.#waiting.filter((wait) => !met.includes(wait));
      for (const { resolve } of met) resolve();
    });
  }

  /** Resolves when the server has greeted. */
  static async connect(url: string, options: ClientOptions = {}): Promise<SocketClient> {
    const client = new SocketClient(new WebSocket(url, options));
    await Promise.race([client.until(() => client.frames.length > 0), once(client.ws, "unexpected-response")]);
    return client;
  }

  until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ isMet, resolve }));
  }

  send(frame: unknown): void {
    this.ws.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  follow(token: string, more: object = {}): void {
    this.send({ type: "task_info", tasktoken: token, ...more });
  }

  /** Frames of one task. */
  of(taskid: string): Frame[] {
    return this.frames.filter((frame) => frame["id"] === taskid);
  }

  /** The terminal frame of a task, once it is here. */
  async end(taskid: string): Promise<Frame> {
    const isEnd = (frame: Frame): boolean => frame["terminal"] === true;
    await this.until(() => this.of(taskid).some(isEnd));
    const frame = this.of(taskid).find(isEnd);
    if (!frame) throw new Error("the condition was just met");
    return frame;
  }
}

const upgradeHeaders = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** Asks for an upgrade (default: to a WebSocket) and expects a refusal; `fetch` may not send these headers. */
export function fetchUpgrade(
  url: string,
  options: { method?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: options.method ?? "GET", headers: options.headers ?? upgradeHeaders }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as unknown }));
    });
    sent.on("upgrade", () => reject(new Error("was upgraded")));
    sent.on("error", reject);
    sent.end(options.body);
  });
}
