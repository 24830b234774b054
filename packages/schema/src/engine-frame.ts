// What every engine's process does around its engine: messages in and out, a start that fails told over the pipe, and its end.

import type { FromEngine, ToEngine } from "./engine-messages.ts";
import { openMessagePipe } from "./engine-pipe.ts";
import type { PipeStream } from "./engine-pipe.ts";

export interface EngineParts {
  readonly send: (message: FromEngine) => void;
  /** Ends the process; called after the last message was sent. */
  readonly exit: (code: number) => void;
}

export interface EngineFrame {
  /** Imports what draws, so that a missing or foreign binary is told over the pipe; makes the function that takes messages. */
  readonly load: (parts: EngineParts) => Promise<(message: ToEngine) => void>;
  /** What `load` could not do when it failed: "sharp cannot be loaded". */
  readonly missing: string;
  readonly exitProcess: (code: number) => void;
}

/** Serves until the pipe closes. */
export function serveEngine(stream: PipeStream, { load, missing, exitProcess }: EngineFrame): void {
  const exit = (code: number): void => void stream.end(() => exitProcess(code));
  const fatal = (code: "PROTOCOL_INVALID" | "ENGINE_BINARY_MISSING", message: string): void => {
    send({ type: "fatal", code, message });
    exit(1);
  };
  const send = openMessagePipe(stream, {
    onMessage: (message) => void receive.then((take) => take?.(message)),
    onInvalid: (reason) => fatal("PROTOCOL_INVALID", reason),
    onClose: () => exitProcess(0),
  });
  const receive = load({ send, exit }).catch((error: unknown) => fatal("ENGINE_BINARY_MISSING", `${missing}: ${String(error)}`));
}
