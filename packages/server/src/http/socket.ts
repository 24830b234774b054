// GET /v1 as a WebSocket: follows tasks by their tokens (docs/wire-contract.md, "WebSocket").

import type { IncomingMessage, Server } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { finished } from "node:stream";
import type { Duplex } from "node:stream";

import type { FastifyInstance } from "fastify";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import { envelopeOf } from "./failure.ts";
import { SocketSession, closeCodes } from "./socket-session.ts";
import type { SocketContext, SocketLimits } from "./socket-session.ts";
import type { AdmitSocket } from "./visit.ts";

/** Accepts sockets on the server's own port until it closes; then every open one is closed with code 1001.
 *  `socketLimits`: for tests. */
export function addSocket(app: FastifyInstance, context: SocketDoorContext, socketLimits: SocketLimits = limits): void {
  const door = new SocketDoor(context, socketLimits);
  const timer = setInterval(() => door.checkLife(), socketLimits.socketPingMs).unref();
  app.server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    if (isWebSocket(request)) door.open(request, stream, head);
    else answerWithoutUpgrade(app.server, request, { stream, head });
  });
  app.addHook("preClose", async () => {
    clearInterval(timer);
    await door.close();
  });
}

export interface SocketDoorContext extends SocketContext {
  /** Counts a request that reaches no route. Throws RATE_LIMITED. */
  readonly admitSocket: AdmitSocket;
}

class SocketDoor {
  readonly #context: SocketDoorContext;
  readonly #limits: SocketLimits;
  readonly #server: WebSocketServer;
  readonly #sessions = new Map<WebSocket, SocketSession>();
  #isClosing = false;

  constructor(context: SocketDoorContext, socketLimits: SocketLimits) {
    this.#context = context;
    this.#limits = socketLimits;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      // It costs memory for each connection, and frames are a few hundred bytes.
      perMessageDeflate: false,
      maxPayload: socketLimits.socketFrameBytes,
    });
  }

  open(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    try {
      this.#context.admitSocket(request);
    } catch (error) {
      if (!(error instanceof AtelierError)) throw error;
      return this.#refuse(stream, "429 Too Many Requests", error);
    }
    if (!/^\/v1\/?(\?|$)/.test(request.url ?? "")) return this.#refuse(stream, "404 Not Found", new AtelierError("ROUTE_UNKNOWN"));
    if (this.#isClosing || this.#sessions.size >= this.#limits.sockets) {
      return this.#refuse(stream, "503 Service Unavailable", new AtelierError("SERVER_UNAVAILABLE"));
    }
    this.#server.handleUpgrade(request, stream, head, (ws) => {
      this.#sessions.set(ws, new SocketSession(this.#context, ws, this.#limits));
      ws.once("close", () => this.#sessions.delete(ws));
    });
  }

  /** Node's server no longer knows a connection that it handed over: this ends it. What the caller still sends is read away,
   *  because unread bytes hide the end of a connection, which then stays open in this process for ever. */
  #refuse(stream: Duplex, status: string, failure: AtelierError): void {
    const cut = setTimeout(() => stream.destroy(), this.#limits.socketRefusedMs).unref();
    finished(stream, () => {
      clearTimeout(cut);
      stream.destroy();
    });
    stream.resume();
    stream.end(refusal(status, failure));
  }

  checkLife(): void {
    for (const session of this.#sessions.values()) session.checkLife();
  }

  /** Resolves when all are closed; those that do not answer in time are cut. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const waiting = new AbortController();
    const closed = [...this.#sessions].map(async ([ws, session]) => {
      const gone = new Promise((resolve) => ws.once("close", resolve));
      session.close(closeCodes.goingAway, "the server stops");
      await gone;
    });
    const late = delay(this.#limits.socketStopMs, undefined, { signal: waiting.signal }).catch(() => undefined);
    await Promise.race([Promise.all(closed), late]);
    waiting.abort();
    for (const session of this.#sessions.values()) session.cut();
  }
}

function isWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === "websocket";
}

function refusal(status: string, failure: AtelierError): string {
  const body = JSON.stringify(envelopeOf(failure));
  const { seconds } = failure.details;
  const retry = failure.code === "RATE_LIMITED" ? `\r\nretry-after: ${String(seconds)}` : "";
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\nconnection: close${retry}`;
  return `${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Gives the server a request back whose offer of another protocol it may ignore (RFC 9110, section 7.8): Java's own client
 *  offers h2c with its requests, and Node hands over every upgrade once one is accepted. */
function answerWithoutUpgrade(
  server: Server,
  request: IncomingMessage,
  { stream, head }: { stream: Duplex; head: Buffer },
): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at] ?? "";
    if (!/^(connection|upgrade|http2-settings)$/i.test(name)) lines.push(`${name}: ${request.rawHeaders[at + 1]}`);
  }
  stream.unshift(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), head]));
  server.emit("connection", stream);
}
