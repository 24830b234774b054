// Starts the engine as the server does and talks to it over its pipe.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "./measure.mjs";

export function startEngine({ threads }) {
  const startMs = performance.now();
  const child = spawn(process.execPath, [join(root, "engines/flux/dist/main.js")], {
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const pipe = child.stdio[3];
  const waiting = [];
  const seen = [];
  createInterface({ input: pipe }).on("line", (line) => {
    const message = { ...JSON.parse(line), atMs: performance.now() };
    if (message.type === "failed" || message.type === "fatal") throw new Error(line);
    seen.push(message);
    for (const wake of waiting.splice(0)) wake();
  });
  const send = (message) => pipe.write(`${JSON.stringify(message)}\n`);
  /** The next message of this type, each returned once. */
  async function next(type) {
    for (;;) {
      const index = seen.findIndex((message) => message.type === type);
      if (index !== -1) return seen.splice(0, index + 1).at(-1);
      await new Promise((resolve) => waiting.push(resolve));
    }
  }
  send({ type: "init", protocol: 1, threads });
  const stop = async () => {
    send({ type: "shutdown" });
    await once(child, "exit");
  };
  return { send, next, stop, startMs };
}
