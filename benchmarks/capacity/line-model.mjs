// Calls that share statements, as the simulation sees them (db/gather).

const mostOfStatement = 100;

/** Items that come while a statement is under way share the next one. `work` runs a statement and calls its second argument at the
 *  end; `pause` calls its argument when the next one may begin. */
export class Line {
  #options;
  #waiting = [];
  #underWay = 0;
  #onIdle = [];

  constructor(options) {
    this.#options = options;
  }

  push(...items) {
    this.#waiting.push(...items);
    this.#start();
  }

  /** Calls `go` when the statement that is under way now has ended, at once where there is none. */
  afterStatement(go) {
    if (this.#underWay === 0) go();
    else this.#onIdle.push(go);
  }

  #start() {
    const { atOnce = 1, most = mostOfStatement, work, pause = (go) => go() } = this.#options;
    while (this.#underWay < atOnce && this.#waiting.length > 0) {
      this.#underWay += 1;
      work(this.#waiting.splice(0, most), () => pause(() => this.#end()));
    }
  }

  #end() {
    this.#underWay -= 1;
    for (const go of this.#onIdle.splice(0)) go();
    this.#start();
  }
}
