// A real receiver of callbacks on this machine, which answers as it is told and keeps what it got.

import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Answer = (response: ServerResponse, received: Received) => void;

export interface Receiver {
  /** Without a slash at the end. */
  readonly url: string;
  readonly received: Received[];
  /** How the next requests are answered; default: 200. */
  answer: Answer;
  stop(): Promise<void>;
}

type AnswerName = "ok" | "accepted" | "serverError" | "redirect" | "hang" | "slowBody" | "cut";

export const answers: Readonly<Record<AnswerName, Answer>> = {
  ok: (response) => void response.writeHead(200).end("ok"),
  accepted: (response) => void response.writeHead(202).end(),
  serverError: (response) => void response.writeHead(500).end("secret of the receiver"),
  redirect: (response) => void response.writeHead(302, { location: "/elsewhere" }).end(),
  /** Never answers. */
  hang: () => undefined,
  /** Acknowledges, and goes on sending for ever. */
  slowBody: (response) => void response.writeHead(200).write("x"),
  cut: (response) => void response.socket?.destroy(),
};

export async function startReceiver(host = "127.0.0.1"): Promise<Receiver> {
  const server = createServer((request, response) => void collect(request).then((got) => take(got, response)));
  const take = (got: Received, response: ServerResponse): void => {
    receiver.received.push(got);
    receiver.answer(response, got);
  };
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const receiver: Receiver = {
    // A listening TCP server has an address with a port.
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    received: [],
    answer: answers.ok,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}

async function collect(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return { path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks).toString("utf8") };
}
