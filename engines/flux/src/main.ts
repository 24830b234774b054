// The engine's process: speaks the engine protocol on file descriptor 3 and ends when that pipe closes.

import { readFileSync } from "node:fs";
import { Socket } from "node:net";

import { serveEngine } from "@atelier/schema/engine-frame";

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
  serveEngine(socket, {
    missing: "ONNX Runtime or sharp cannot be loaded",
    exitProcess: (code) => process.exit(code),
    load: async (parts) => (await import("./engine.ts")).createEngine({ ...parts, log, engine: `flux ${version()}` }),
  });
}

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return String((JSON.parse(text) as { version: unknown }).version); // our own file
}
