// The engine's process: speaks the engine protocol on file descriptor 3 and ends when that pipe closes.

import { readFileSync } from "node:fs";
import { Socket } from "node:net";

import { openMessagePipe } from "./message-pipe.ts";

const pipeDescriptor = 3;

main();

function main(): void {
  const log = (text: string) => process.stderr.write(`${text}\n`);
  let socket: Socket;
  try {
    socket = new Socket({ fd: pipeDescriptor, readable: true, writable: true });
  } catch (error) {
    log(`image engine: file descriptor ${pipeDescriptor} is not a pipe; a server starts this program. ${String(error)}`);
    process.exit(2);
  }
  // Ctrl-C reaches the whole process group: the server decides, and the pipe tells.
  process.on("SIGINT", () => undefined);
  const exit = (code: number) => void socket.end(() => process.exit(code));
  const fatal = (code: string, message: string) => {
    send({ type: "fatal", code, message });
    exit(1);
  };
  const send = openMessagePipe(socket, {
    onMessage: (message) => void receive.then((take) => take?.(message)),
    onInvalid: (reason) => fatal("PROTOCOL_INVALID", reason),
    onClose: () => process.exit(0),
  });
  // Imported here, so that a missing or foreign libvips is told over the pipe.
  const receive = import("./engine.ts").then(
    ({ createEngine }) => createEngine({ send, exit, log, engine: `image ${version()}` }),
    (error: unknown) => fatal("ENGINE_BINARY_MISSING", `sharp cannot be loaded: ${String(error)}`),
  );
}

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return String((JSON.parse(text) as { version: unknown }).version); // our own file
}
