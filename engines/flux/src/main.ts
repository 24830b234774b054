// The engine's process: speaks the engine protocol on file descriptor 3 and ends when that pipe closes.

import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import { createEngine } from "./engine.ts";
import { openMessagePipe } from "./message-pipe.ts";

const pipeDescriptor = 3;

main();

function main(): void {
  const log = (text: string) => process.stderr.write(`${text}\n`);
  let socket: Socket;
  try {
    socket = new Socket({ fd: pipeDescriptor, readable: true, writable: true });
  } catch (error) {
    log(`flux engine: file descriptor ${pipeDescriptor} is not a pipe; a server starts this program. ${String(error)}`);
    process.exit(2);
  }
  // Ctrl-C reaches the whole process group: the server decides, and the pipe tells.
  process.on("SIGINT", () => undefined);
  const exit = (code: number) => void socket.end(() => process.exit(code));
  const send = openMessagePipe(socket, {
    onMessage: (message) => receive(message),
    onInvalid: (reason) => {
      send({ type: "fatal", code: "PROTOCOL_INVALID", message: reason });
      exit(1);
    },
    onClose: () => process.exit(0),
  });
  const receive = createEngine({ send, exit, log, engine: `flux ${version()}` });
}

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return String((JSON.parse(text) as { version: unknown }).version); // our own file
}
