// A stream of server-sent events (HTML standard, section "Server-sent events").

import { PassThrough } from "node:stream";
import type { Readable } from "node:stream";

/** What a reply sends. Nothing is lost when its reader is slow: `send` then says so, and the writer waits for `onDrain`. */
export class EventStream {
  readonly #stream = new PassThrough();
  #writtenBytes = 0;
  #takenBytes: number | undefined;

  get readable(): Readable {
    return this.#stream;
  }

  /** Whether the reader has taken anything since the last call, which made it slow and not gone; true at first. `unsentBytes`: what
   *  waits in its connection. */
  isTaken(unsentBytes: number): boolean {
    const before = this.#takenBytes;
    this.#takenBytes = this.#writtenBytes - this.#stream.writableLength - this.#stream.readableLength - unsentBytes;
    return before === undefined || this.#takenBytes > before;
  }

  /** False when the reader is behind. `name`: without one a browser's `onmessage` gets it. `id`: where the writer's log stands. */
  send(event: { name?: string; data: object; id?: number }): boolean {
    const id = event.id === undefined ? "" : `id: ${event.id}\n`;
    const name = event.name === undefined ? "" : `event: ${event.name}\n`;
    return this.#write(`${id}${name}data: ${JSON.stringify(event.data)}\n\n`);
  }

  /** How soon a reader whose stream breaks off comes again. */
  retryAfter(waitMs: number): void {
    this.#write(`retry: ${waitMs}\n\n`);
  }

  /** A comment, so that proxies do not take a quiet stream for a dead one. False when the reader is behind. */
  keepAlive(): boolean {
    return !this.#stream.writableNeedDrain && this.#write(": keep-alive\n\n");
  }

  onDrain(listener: () => void): void {
    this.#stream.on("drain", listener);
  }

  end(): void {
    this.#stream.end();
  }

  /** After the reader has gone, writing changes nothing. */
  #write(text: string): boolean {
    if (!this.#stream.writable) return true;
    this.#writtenBytes += Buffer.byteLength(text);
    return this.#stream.write(text);
  }
}
