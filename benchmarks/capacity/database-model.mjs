// One PostgreSQL as the simulation sees it: some cores that serve statements in order, and a log that is flushed for all waiting
// commits at once. Claims of one project also wait for each other: each holds its project's row until its commit is on disk.

export class DatabaseModel {
  #clock;
  #cores;
  #syncSeconds;
  #waiting = [];
  #busyCores = 0;
  #busySeconds = 0;
  #committing = [];
  #isFlushing = false;
  #rowLocks = new Map();

  constructor(clock, { cores, syncSeconds }) {
    this.#clock = clock;
    this.#cores = cores;
    this.#syncSeconds = syncSeconds;
  }

  /** Runs a statement of so much processor time, then its commit. `row`: a row that it locks until then. */
  run({ seconds, row, done }) {
    if (row === undefined) return this.#queue({ seconds, done });
    const line = this.#rowLocks.get(row) ?? [];
    this.#rowLocks.set(row, line);
    line.push({ seconds, done: () => (done(), this.#release(row)) });
    if (line.length === 1) this.#queue(line[0]);
  }

  /** Part of the cores' time that was used since the beginning. */
  get load() {
    return this.#busySeconds / (this.#clock.now * this.#cores);
  }

  get waiting() {
    return this.#waiting.length;
  }

  #release(row) {
    const line = this.#rowLocks.get(row);
    line.shift();
    if (line.length > 0) this.#queue(line[0]);
    else this.#rowLocks.delete(row);
  }

  #queue(statement) {
    this.#waiting.push(statement);
    this.#serve();
  }

  #serve() {
    while (this.#busyCores < this.#cores && this.#waiting.length > 0) {
      const statement = this.#waiting.shift();
      this.#busyCores += 1;
      this.#busySeconds += statement.seconds;
      this.#clock.after(statement.seconds, () => {
        this.#busyCores -= 1;
        this.#committing.push(statement.done);
        this.#flush();
        this.#serve();
      });
    }
  }

  #flush() {
    if (this.#isFlushing || this.#committing.length === 0) return;
    this.#isFlushing = true;
    const group = this.#committing.splice(0);
    this.#clock.after(this.#syncSeconds, () => {
      this.#isFlushing = false;
      for (const done of group) done();
      this.#flush();
    });
  }
}
