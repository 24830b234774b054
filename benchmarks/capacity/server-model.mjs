// One server as the simulation sees it: the lines in which runs, reports and looks share statements (db/gather), and the line in
// which its workers claim (tasks/claim-line). `costs`: seconds of each kind of statement, { fixed, perTask }.

const mostOfStatement = 100;
const claimTries = 8;

/** Items that come while a statement is under way share the next one. `work` runs a statement and calls its second argument at the
 *  end; `pause` calls its argument when the next one may begin. */
class Line {
  #options;
  #waiting = [];
  #underWay = 0;

  constructor(options) {
    this.#options = options;
  }

  push(...items) {
    this.#waiting.push(...items);
    this.#start();
  }

  #start() {
    const { atOnce = 1, most = mostOfStatement, work, pause = (go) => go() } = this.#options;
    while (this.#underWay < atOnce && this.#waiting.length > 0) {
      this.#underWay += 1;
      work(this.#waiting.splice(0, most), () => pause(() => (this.#underWay--, this.#start())));
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
    const { clock, database } = shard;
    this.#shard = shard;
    this.#costs = costs;
    const statement = ({ fixed, perTask }, onDone, writes = true) => (items, done) =>
      database.run({ seconds: fixed + perTask * items.length, writes, done: () => (onDone(items), done()) });
    const tell = (events) => events.forEach(({ task, onWritten }) => (onWritten?.(), this.#lines.announce.push(task)));
    // What it costs the server's own session is measured with its statements; here is what it costs the sessions that hear it.
    const announcing = { fixed: costs.listener * shard.size, perTask: 0 };
    this.#lines = {
      submit: new Line({ atOnce: 2, work: (tasks, done) => this.#create(tasks, done) }),
      move: new Line({ work: statement(costs.progress, tell) }),
      finish: new Line({ work: statement(costs.finish, tell) }),
      look: new Line({ work: statement(costs.look, () => undefined, false) }),
      announce: new Line({
        most: Infinity,
        work: statement(announcing, (heard) => shard.hear(heard), false),
        pause: (go) => clock.after(shard.announcePause, go),
      }),
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

  /** With the claim of a worker that waits here, if one does; nobody is told of the task that it is given. */
  #create(tasks, done) {
    const { database, waiting } = this.#shard;
    const seconds = this.#costs.submit.fixed + this.#costs.submit.perTask * tasks.length;
    const created = () => (waiting.push(...tasks), done());
    if (this.#idle === 0 || this.#isServing) return database.run({ seconds, done: () => (created(), this.#lines.announce.push("queue")) });
    this.#isServing = true;
    const { project } = waiting[0] ?? tasks[0];
    const both = { seconds: seconds + this.#costs.claim.fixed + this.#costs.claim.perTask, done: () => (database.release(project), created(), this.#handOver(tasks)) };
    database.lock(project, () => database.run(both));
  }

  #handOver(tasks) {
    const { waiting } = this.#shard;
    const given = waiting.shift();
    this.#begin(given);
    if (tasks.some((task) => task !== given)) this.#lines.announce.push("queue");
    this.#serve();
  }

  #begin(task) {
    this.#idle -= 1;
    this.#lines.announce.push(task);
    task.start(this);
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
        this.#begin(task);
        this.#ask(1);
      },
    });
  }
}
