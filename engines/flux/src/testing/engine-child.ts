// Starts the built engine as a server does, and lets tests talk to it over the pipe.

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { fromEngineSchema, type FromEngine, type ToEngine } from "@atelier/schema/engine-messages";

const root = join(import.meta.dirname, "../../../..");

/** Builds the engine; tests run the program that ships. */
export function buildEngine(): void {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [compiler, "-b", join(root, "engines/flux")], { stdio: "inherit" });
}

/** A running engine. Every message it ever sent is kept in `messages`, checked against the protocol. */
export class EngineChild {
  readonly process: ChildProcess;
  readonly messages: FromEngine[] = [];
  readonly exited: Promise<number | null>;
  stderr = "";
  readonly #pipe: Duplex;
  readonly #waiting = new Set<() => void>();

  /** `nodeArguments`: before the program, for tests that break its surroundings. */
  constructor(nodeArguments: readonly string[] = []) {
    const main = join(root, "engines/flux/dist/main.js");
    this.process = spawn(process.execPath, [...nodeArguments, main], { stdio: ["ignore", "pipe", "pipe", "pipe"] });
    this.#pipe = this.process.stdio[3] as Duplex; // asked for as a pipe
    this.#pipe.on("error", () => undefined);
    this.process.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.exited = once(this.process, "exit").then(([code]) => code as number | null); // exit's first argument
    createInterface({ input: this.#pipe }).on("line", (line) => {
      this.messages.push(fromEngineSchema.parse(JSON.parse(line)));
      for (const wake of this.#waiting) wake();
    });
    void this.exited.then(() => {
      for (const wake of this.#waiting) wake();
    });
  }

  send(message: ToEngine): void {
    this.sendText(`${JSON.stringify(message)}\n`);
  }

  sendText(text: string): void {
    this.#pipe.write(text);
  }

  closePipe(): void {
    this.#pipe.destroy();
  }

  /** The first message, sent already or later, that fits. Rejects when the engine ends without it. */
  async next<T extends FromEngine["type"]>(
    type: T,
    fits: (message: Extract<FromEngine, { type: T }>) => boolean = () => true,
  ): Promise<Extract<FromEngine, { type: T }>> {
    type Wanted = Extract<FromEngine, { type: T }>;
    for (;;) {
      const found = this.messages.find((m): m is Wanted => m.type === type && fits(m as Wanted));
      if (found !== undefined) return found;
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        throw new Error(`the engine ended before "${type}"; it sent ${JSON.stringify(this.messages)} ${this.stderr}`);
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  async stop(): Promise<void> {
    this.closePipe();
    await this.exited;
  }
}
