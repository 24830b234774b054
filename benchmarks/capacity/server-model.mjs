// One server as the simulation sees it: the lines in which runs, reports and looks share statements (db/gather), and the line in
// which its workers claim (tasks/claim-line). `costs`: seconds of each kind of statement, { fixed, perTask }.

const mostOfStatement = 100;
const claimTries = 8;

/** Items that come while a statement is under way share the next one. */
class Line {
  #database;
  #cost;
  #options;
  #waiting = [];
  #underWay = 0;

  constructor(database, cost, options) {
    this.#database = database;
    this.#cost = cost;
    this.#options = options;
  }

  push(item) {
    this.#waiting.push(item);
    this.#start();
  }

  #start() {
    const { atOnce = 1, most = mostOfStatement, writes = true, onDone } = this.#options;
    while (this.#underWay < atOnce && this.#waiting.length > 0) {
      const items = this.#waiting.splice(0, most);
      this.#underWay += 1;
      const seconds = this.#cost.fixed + this.#cost.perTask * items.length;
      this.#database.run({ seconds, writes, done: () => (this.#underWay--, onDone(items), this.#start()) });
    }
  }
}

export class ServerModel {
  #shard;
  #costs;
  #lines;
  #idle = 0;
  #isServing = false;
  #isRung = false;

  /** `shard`: its database, the tasks that wait there and the servers that share it. */
  constructor(shard, costs) {
    const { database } = shard;
    this.#shard = shard;
    this.#costs = costs;
    const tell = (events) => events.forEach(({ task, onWritten }) => (onWritten?.(), this.#lines.announce.push(task)));
    this.#lines = {
      submit: new Line(database, costs.submit, { atOnce: 2, onDone: (tasks) => this.#submitted(tasks) }),
      move: new Line(database, costs.progress, { onDone: tell }),
      finish: new Line(database, costs.finish, { onDone: tell }),
      look: new Line(database, costs.look, { writes: false, onDone: () => undefined }),
      // What it costs the server's own session is measured with its statements; here is what it costs the sessions that hear it.
      announce: new Line(database, { fixed: costs.listener * shard.size, perTask: 0 }, { most: Infinity, writes: false, onDone: (heard) => shard.hear(heard) }),
    };
  }

  submit(task) {
    this.#lines.submit.push(task);
  }

  /** Steps of a task; `onWritten` follows the commit. */
  move(task, onWritten) {
    this.#lines.move.push({ task, onWritten });
  }

  finish(task, onWritten) {
    this.#lines.finish.push({ task, onWritten });
  }

  /** Somebody here follows the task. */
  look(task) {
    this.#lines.look.push(task);
  }

  /** A worker's place is free. */
  free() {
    this.#idle += 1;
    this.ring();
  }

  /** There may be a task: those who wait ask, one after the other. */
  ring() {
    this.#isRung = true;
    if (!this.#isServing) this.#serve();
  }

  #submitted(tasks) {
    this.#shard.waiting.push(...tasks);
    this.#lines.announce.push("queue");
  }

  #serve() {
    this.#isServing = this.#isRung && this.#idle > 0;
    if (!this.#isServing) return;
    this.#isRung = false;
    this.#ask(1);
  }

  /** The claim finds whose turn it is, waits for the project's row and takes its oldest task. Tasks whose claim is not yet committed are still
   *  seen; whoever comes too late for one asks again. */
  #ask(attempt) {
    const { database, waiting, claiming } = this.#shard;
    if (this.#idle === 0) return this.#serve();
    database.run({
      seconds: this.#costs.emptyClaim.fixed,
      writes: false,
      done: () => {
        const [seen] = claiming.size > 0 ? claiming : waiting;
        if (!seen) return this.#serve();
        database.lock(seen.project, () => this.#take(seen.project, attempt));
      },
    });
  }

  #take(project, attempt) {
    const { database, waiting, claiming } = this.#shard;
    const at = waiting.findIndex((task) => task.project === project);
    const task = at < 0 ? undefined : waiting.splice(at, 1)[0];
    if (task) claiming.add(task);
    const seconds = task ? this.#costs.claim.fixed + this.#costs.claim.perTask - this.#costs.emptyClaim.fixed : 0;
    database.run({
      seconds,
      done: () => {
        database.release(project);
        if (!task) return attempt < claimTries ? this.#ask(attempt + 1) : this.#serve();
        claiming.delete(task);
        this.#idle -= 1;
        this.#lines.announce.push(task);
        task.start(this);
        this.#ask(1);
      },
    });
  }
}
