// The engine's end of its pipe to the server, over a stream that the engine has opened: newline-delimited JSON, whole lines in,
// within a limit, and messages out.

import { toEngineSchema } from "./engine-messages.ts";
import type { FromEngine, ToEngine } from "./engine-messages.ts";

/** One message: a run with the longest prompt and metadata, or a hundred files with their names, is under 100 kB. */
export const engineLineBytes = 1024 * 1024;

/** What is used of a duplex stream. */
export interface PipeStream {
  on(event: "data", call: (chunk: Buffer) => void): unknown;
  on(event: "end" | "close" | "error", call: () => void): unknown;
  readonly writable: boolean;
  write(text: string): unknown;
  end(done: () => void): unknown;
}

export interface PipeHandlers {
  readonly onMessage: (message: ToEngine) => void;
  /** A line that is no message: the two ends do not speak the same protocol. `reason`: for people. */
  readonly onInvalid: (reason: string) => void;
  /** The other end is gone. */
  readonly onClose: () => void;
}

/** Reads messages from a stream until it closes. Returns the function that sends one. */
export function openMessagePipe(stream: PipeStream, handlers: PipeHandlers): (message: FromEngine) => void {
  const decoder = new LineDecoder(engineLineBytes);
  stream.on("data", (chunk: Buffer) => {
    const lines = decoder.push(chunk);
    for (const line of lines) readLine(line, handlers);
    if (decoder.isOverLimit) handlers.onInvalid(`a line is longer than ${engineLineBytes} bytes`);
  });
  stream.on("end", handlers.onClose);
  stream.on("close", handlers.onClose);
  stream.on("error", handlers.onClose);
  return (message) => {
    if (stream.writable) stream.write(`${JSON.stringify(message)}\n`);
  };
}

/** Cuts chunks into lines; keeps at most `maxBytes` of an unfinished one. */
export class LineDecoder {
  readonly #maxBytes: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The unfinished line has grown beyond the limit; nothing more is read. */
  get isOverLimit(): boolean {
    return this.#rest.length > this.#maxBytes;
  }

  /** Complete lines, without their newlines. A complete line over the limit counts like an unfinished one. */
  push(chunk: Buffer): string[] {
    if (this.isOverLimit) return [];
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const lines: string[] = [];
    for (let end = this.#rest.indexOf(10); end !== -1 && end <= this.#maxBytes; end = this.#rest.indexOf(10)) {
      lines.push(this.#rest.toString("utf8", 0, end));
      this.#rest = this.#rest.subarray(end + 1);
    }
    return lines;
  }
}

function readLine(line: string, handlers: PipeHandlers): void {
  if (line.trim() === "") return;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    handlers.onInvalid(`a line is not JSON: ${line.slice(0, 80)}`);
    return;
  }
  const parsed = toEngineSchema.safeParse(value);
  if (parsed.success) handlers.onMessage(parsed.data);
  else handlers.onInvalid(`a message is not of the protocol: ${parsed.error.issues.map(describeIssue).join("; ")}`);
}

function describeIssue(issue: { path: PropertyKey[]; message: string }): string {
  return `${issue.path.map(String).join(".") || "type"}: ${issue.message}`;
}
