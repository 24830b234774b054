// One server as the simulation sees it: the lines in which keys, runs, reports, looks and announcements share statements, and the line in
// which its workers claim (tasks/claim-line). `costs`: seconds of each kind of statement, { fixed, perTask }.

import { limits } from "@atelier/server/limits";

import { Line } from "./line-model.mjs";

/** How many events the statement has that calibration calls `begin`. */
const eventsOfBegin = 4;

export class ServerModel {
  #shard;
  #costs;
  #lines;
  #perEvent;
  #idle = [];
  #isServing = false;
  #isRung = false;
  /** Followed tasks that wait to be looked at. */
  #stale = new Set();

  /** `shard`: its clock and database, the tasks that wait there and the servers that share it. */
  constructor(shard, costs) {
    const { clock } = shard;
    this.#shard = shard;
    this.#costs = costs;
    this.#perEvent = Math.max(0, costs.begin.perTask - costs.progress.perTask) / (eventsOfBegin - 1);
    this.#lines = {
      key: new Line({ atOnce: limits.keyStatements, work: (tasks, done) => this.#lookUp(tasks, done) }),
      submit: new Line({ atOnce: limits.newTaskStatements, work: (tasks, done) => this.#create(tasks, done) }),
      move: new Line({ work: (tasks, done) => this.#lines.finish.afterStatement(() => this.#write(tasks, done)) }),
      finish: new Line({ work: (tasks, done) => this.#end(tasks, done) }),
      look: new Line({ work: (tasks, done) => this.#look(tasks, done) }),
      announce: new Line({
        most: Infinity,
        work: (news, done) => this.#announce(news, done),
        pause: (go) => clock.after(shard.announcePause, go),
      }),
    };
  }

  /** Somebody asks for a picture: first whose key it is, then the task. */
  submit(task) {
    this.#lines.key.push(task);
  }

  /** So many events of a task, which is sent after a moment, with what comes meanwhile: timers count whole milliseconds. */
  report(task, events = 1) {
    const { clock } = this.#shard;
    task.unsent += events;
    if (task.isSending) return;
    task.isSending = true;
    clock.at((Math.floor(clock.now * 1_000) + limits.reportPauseMs) / 1_000, () => this.#lines.move.push(task));
  }

  /** `task.onEnded` follows the commit. */
  finish(task) {
    this.#lines.finish.push(task);
  }

  /** Who follows the task here has not yet seen its news. */
  look(task) {
    if (this.#stale.has(task) || task.seen >= task.written) return;
    this.#stale.add(task);
    this.#lines.look.push(task);
  }

  /** A worker's place is free. */
  free(worker) {
    this.#idle.push(worker);
    this.ring();
  }

  /** There may be a task: those who wait ask, one after the other. */
  ring() {
    this.#isRung = true;
    if (!this.#isServing) this.#serve();
  }

  #lookUp(tasks, done) {
    this.#shard.database.run({ seconds: this.#secondsOf("key", tasks.length), writes: false, done: () => (this.#lines.submit.push(...tasks), done()) });
  }

  /** With the claim of a worker that waits here, if one does; nobody is told of the task that it is given. */
  #create(tasks, done) {
    const { database, waiting } = this.#shard;
    const seconds = this.#secondsOf("submit", tasks.length);
    const created = () => {
      waiting.push(...tasks);
      for (const task of tasks) this.#written(task, (follower) => follower.look(task));
      done();
    };
    if (this.#idle.length === 0 || this.#isServing) return database.run({ seconds, done: () => (created(), this.#tellOfWaiting()) });
    this.#isServing = true;
    const { project } = waiting[0] ?? tasks[0];
    const both = { ended: () => database.release(project), done: () => (created(), this.#handOver(tasks)) };
    // Both with their begin and commit.
    database.lock(project, () => database.run({ seconds: seconds + this.#secondsOf("claim", 1), statements: 4, ...both }));
  }

  #handOver(tasks) {
    const given = this.#shard.waiting.shift();
    this.#begin(given);
    if (tasks.some((task) => task !== given)) this.#tellOfWaiting();
    this.#serve();
  }

  #begin(task) {
    this.#tell(task);
    task.start(this, this.#idle.shift());
  }

  /** Steps of tasks that are not over: those of others have gone with their end. */
  #write(tasks, done) {
    const sent = tasks.filter((task) => task.unsent > 0);
    const written = () => {
      for (const task of tasks) {
        task.isSending = false;
        if (task.unsent > 0 && !task.isOver) this.report(task, 0);
      }
      for (const task of sent) this.#tell(task);
      done();
    };
    if (sent.length === 0) return written();
    this.#shard.database.run({ seconds: this.#secondsOf("progress", sent.length) + this.#take(sent, 1), done: written });
  }

  #end(tasks, done) {
    for (const task of tasks) task.isOver = true;
    const ended = () => {
      for (const task of tasks) {
        this.#tell(task);
        task.onEnded();
      }
      done();
    };
    this.#shard.database.run({ seconds: this.#secondsOf("finish", tasks.length) + this.#take(tasks, 0), done: ended });
  }

  /** Seconds of the events which go with tasks that have `counted` events in any case. */
  #take(tasks, counted) {
    const events = tasks.reduce((sum, task) => sum + Math.max(0, task.unsent - counted), 0);
    for (const task of tasks) task.unsent = 0;
    return events * this.#perEvent;
  }

  /** Listeners of the same process hear at once, others with the announcement. */
  #tell(task) {
    this.#written(task, (follower) => follower === this && this.look(task));
    this.#lines.announce.push({ task, seq: task.written });
  }

  #written(task, then) {
    task.written += 1;
    then(task.follower);
  }

  #tellOfWaiting() {
    this.ring();
    this.#lines.announce.push({});
  }

  /** Each server hears of every task that waits; of a task's news the one does something where somebody follows it. */
  #announce(news, done) {
    const { database, servers } = this.#shard;
    const seconds = this.#secondsOf("announce", news.length) + this.#costs.listener * servers.length;
    const heard = () => {
      if (news.some(({ task }) => !task)) for (const server of servers) if (server !== this) server.ring();
      for (const { task, seq } of news) if (task && task.follower !== this && task.seen < seq) task.follower.look(task);
      done();
    };
    database.run({ seconds, writes: false, done: heard });
  }

  #look(tasks, done) {
    const written = tasks.map((task) => task.written);
    for (const task of tasks) this.#stale.delete(task);
    const looked = () => {
      for (const [at, task] of tasks.entries()) task.seen = written[at];
      done();
    };
    this.#shard.database.run({ seconds: this.#secondsOf("look", tasks.length), writes: false, done: looked });
  }

  #serve() {
    this.#isServing = this.#isRung && this.#idle.length > 0;
    if (!this.#isServing) return;
    this.#isRung = false;
    this.#ask(1);
  }

  /** The claim finds whose turn it is, waits for the project's row and takes its oldest task. Tasks whose claim is not yet committed are still
   *  seen; whoever comes too late for one asks again. */
  #ask(attempt) {
    const { database, waiting, claiming } = this.#shard;
    if (this.#idle.length === 0) return this.#serve();
    database.begin({
      seconds: this.#costs.emptyClaim.fixed,
      ended: () => {
        const [seen] = claiming.size > 0 ? claiming : waiting;
        if (seen) database.lock(seen.project, () => this.#claim(seen.project, attempt));
        else database.answer(() => this.#serve());
      },
    });
  }

  #claim(project, attempt) {
    const { database, waiting, claiming } = this.#shard;
    const at = waiting.findIndex((task) => task.project === project);
    const task = at < 0 ? undefined : waiting.splice(at, 1)[0];
    if (task) claiming.add(task);
    const seconds = task ? this.#secondsOf("claim", 1) - this.#costs.emptyClaim.fixed : 0;
    const ended = () => (database.release(project), claiming.delete(task));
    const claimed = () => {
      if (!task) return attempt < limits.claimTries ? this.#ask(attempt + 1) : this.#serve();
      this.#begin(task);
      this.#ask(1);
    };
    database.run({ seconds, goesOn: true, ended, done: claimed });
  }

  #secondsOf(kind, tasks) {
    const { fixed, perTask } = this.#costs[kind];
    return fixed + perTask * tasks;
  }
}
