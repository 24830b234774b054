// A stream of server-sent events (HTML standard, section "Server-sent events").

import { PassThrough } from "node:stream";
import type { Readable } from "node:stream";

/** What a reply sends. Nothing is lost when its reader is slow: `send` then says so, and the writer waits for `onDrain`. */
export class EventStream {
  readonly #stream = new PassThrough();

  get readable(): Readable {
    return this.#stream;
  }

  /** False when the reader is behind. `id`: where the writer's log stands. */
  send(event: { name: string; data: object; id?: number }): boolean {
    const id = event.id === undefined ? "" : `id: ${event.id}\n`;
    return this.#write(`${id}event: ${event.name}\ndata: ${JSON.stringify(event.data)}\n\n`);
  }

  /** A comment, so that proxies do not take a quiet stream for a dead one. */
  keepAlive(): void {
    if (!this.#stream.writableNeedDrain) this.#write(": keep-alive\n\n");
  }

  onDrain(listener: () => void): void {
    this.#stream.on("drain", listener);
  }

  end(): void {
    this.#stream.end();
  }

  /** After the reader has gone, writing changes nothing. */
  #write(text: string): boolean {
    return this.#stream.writable ? this.#stream.write(text) : true;
  }
}
