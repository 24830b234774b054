// Newline-delimited JSON over one duplex stream: whole lines in, within a limit, and messages out.

import type { Duplex } from "node:stream";

import { toEngineSchema } from "@atelier/schema/engine-messages";
import type { FromEngine, ToEngine } from "@atelier/schema/engine-messages";

import { limits } from "./limits.ts";

export interface PipeHandlers {
  readonly onMessage: (message: ToEngine) => void;
  /** A line that is no message: the two ends do not speak the same protocol. */
  readonly onInvalid: (reason: string) => void;
  /** The other end is gone. */
  readonly onClose: () => void;
}

/** Reads messages from a stream until it closes. Returns the function that sends one. */
export function openMessagePipe(stream: Duplex, handlers: PipeHandlers): (message: FromEngine) => void {
  let rest = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end !== -1 && end <= limits.lineBytes; end = rest.indexOf(10)) {
      readLine(rest.toString("utf8", 0, end), handlers);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > limits.lineBytes) handlers.onInvalid(`a line is longer than ${limits.lineBytes} bytes`);
  });
  stream.on("end", handlers.onClose).on("close", handlers.onClose).on("error", handlers.onClose);
  return (message) => {
    if (stream.writable) stream.write(`${JSON.stringify(message)}\n`);
  };
}

function readLine(line: string, handlers: PipeHandlers): void {
  if (line.trim() === "") return;
  const parsed = toEngineSchema.safeParse(parseJson(line));
  if (parsed.success) handlers.onMessage(parsed.data);
  else handlers.onInvalid(`a line is no message of the protocol: ${line.slice(0, 80)}`);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // fails the schema
  }
}
