// Newline-delimited JSON between a worker and an engine child, over one duplex pipe.

import type { Duplex } from "node:stream";

import { fromEngineSchema } from "@atelier/schema/engine-messages";
import type { FromEngine, ToEngine } from "@atelier/schema/engine-messages";

import { limits } from "../limits.ts";

export interface EngineChannel {
  send(message: ToEngine): void;
}

/** Reads messages from `pipe` and hands each to `onMessage`; anything that is not a message goes to `onInvalid`. */
export function openEngineChannel(
  pipe: Duplex,
  handlers: { onMessage: (message: FromEngine) => void; onInvalid: (reason: string) => void },
): EngineChannel {
  let rest = "";
  pipe.setEncoding("utf8");
  pipe.on("data", (chunk: string) => {
    rest += chunk;
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > limits.engineLineCharacters) {
      rest = "";
      handlers.onInvalid("a line without an end");
    }
    for (const line of lines) if (line !== "") readLine(line, handlers);
  });
  // A child that dies resets the pipe; its exit is reported by the process itself.
  pipe.on("error", () => undefined);
  return { send: (message) => void (pipe.writable && pipe.write(`${JSON.stringify(message)}\n`)) };
}

function readLine(
  line: string,
  handlers: { onMessage: (message: FromEngine) => void; onInvalid: (reason: string) => void },
): void {
  const parsed = fromEngineSchema.safeParse(parseJson(line));
  if (parsed.success) handlers.onMessage(parsed.data);
  else handlers.onInvalid(`not a message: ${line.slice(0, 200)}`);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // fails the schema, which reports the line
  }
}
