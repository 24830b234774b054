// Keeps a worker whose temp folder is full from taking tasks, and says so: once, and once when there is room again.

import type { Log } from "../log.ts";

export class TempRoom {
  readonly #hasRoom: () => Promise<boolean>;
  readonly #log: Log;
  #wasFull = false;

  constructor(hasRoom: () => Promise<boolean>, log: Log) {
    this.#hasRoom = hasRoom;
    this.#log = log;
  }

  async isFull(): Promise<boolean> {
    const isFull = !(await this.#hasRoom());
    if (isFull && !this.#wasFull) this.#log.warn({ problem: "the disk of the temp folder (TMPDIR) is full: no task is taken until there is room" }, "worker.disk_full");
    if (!isFull && this.#wasFull) this.#log.info({}, "worker.disk_has_room");
    this.#wasFull = isFull;
    return isFull;
  }
}
