// One PostgreSQL as the simulation sees it: some cores that serve statements in order, a log that is flushed for all waiting
// commits at once, and rows that are held until a commit is on disk.

export class DatabaseModel {
  #clock;
  #cores;
  #syncSeconds;
  #answerSeconds;
  #waiting = [];
  #busyCores = 0;
  #busySeconds = 0;
  #statements = 0;
  #since = 0;
  #committing = [];
  #isFlushing = false;
  #rowLocks = new Map();

  constructor(clock, { cores, syncSeconds, answerSeconds }) {
    this.#clock = clock;
    this.#cores = cores;
    this.#syncSeconds = syncSeconds;
    this.#answerSeconds = answerSeconds;
  }

  /** Runs a statement of so much processor time. `writes`: then its commit. Calls `ended` then, and `done` when who asked has the answer.
   *  `statements`: how many it stands for; `goesOn`: none, it is the rest of one that waited for a lock. */
  run({ seconds, writes = true, statements = 1, goesOn = false, ended = () => undefined, done = () => undefined }) {
    if (!goesOn) this.#statements += statements;
    this.#waiting.push({ seconds, writes, done: () => (ended(), this.answer(done)) });
    this.#serve();
  }

  /** Calls `heard` when an answer that leaves now has arrived. */
  answer(heard) {
    this.#clock.after(this.#answerSeconds, heard);
  }

  /** The first part of a statement, which then waits for a lock: nobody hears of it but `ended`. */
  begin({ seconds, ended }) {
    this.#statements += 1;
    this.#waiting.push({ seconds, writes: false, done: ended });
    this.#serve();
  }

  /** Calls `held` once nobody else holds the row; whoever is called gives it back by `release`. */
  lock(row, held) {
    const line = this.#rowLocks.get(row);
    if (line) return void line.push(held);
    this.#rowLocks.set(row, []);
    held();
  }

  release(row) {
    const next = this.#rowLocks.get(row).shift();
    if (next) next();
    else this.#rowLocks.delete(row);
  }

  /** Since the last look, a second: processor seconds and statements, and which part of the cores was busy. */
  used() {
    const elapsed = this.#clock.now - this.#since;
    const [busySeconds, statements] = [this.#busySeconds / elapsed, this.#statements / elapsed];
    [this.#busySeconds, this.#statements, this.#since] = [0, 0, this.#clock.now];
    return { busySeconds, statements, load: busySeconds / this.#cores };
  }

  #serve() {
    while (this.#busyCores < this.#cores && this.#waiting.length > 0) {
      const { seconds, writes, done } = this.#waiting.shift();
      this.#busyCores += 1;
      this.#busySeconds += seconds;
      this.#clock.after(seconds, () => {
        this.#busyCores -= 1;
        if (writes) this.#committing.push(done);
        else done();
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
