// What a simulated world consists of: its database and its dice, what callers were told, and what workers believe to hold.

import type { Database } from "../../packages/server/src/db/database.ts";
import type { Fence } from "../../packages/server/src/db/queries/moves.ts";
import { AnswerLost, faultyNetwork } from "./faulty-network.ts";
import type { Writes } from "./faulty-network.ts";
import type { SeededRandom } from "./random.ts";

/** A worker's view of one attempt. `eventSeq`: the event of its claim; `step`: steps that it believes to be written. `frozen`: it does nothing until its lease has run out, then goes on as if nothing
 *  had happened. `busy`: a report is under way. */
export interface Attempt {
  readonly fence: Fence;
  readonly eventSeq: number;
  step: number;
  frozen: boolean;
  busy: boolean;
}

/** What callers and workers saw of a world. */
export interface Lives {
  /** Ids whose Run was acknowledged. */
  readonly acknowledged: string[];
  /** Of them, acknowledged to a repetition whose first answer was lost. */
  repeated: number;
  /** Tasks that a waiting worker was given in the transaction that created others. */
  handedOver: number;
  /** Reports that a fence refused. */
  refused: number;
  /** Statements that held for some of their tasks and were refused for others. */
  mixed: number;
  /** Runs and ends that PostgreSQL refused, beside others in their statement that it took. */
  spoilt: number;
  /** Runs that a limit or a budget refused. */
  turnedAway: number;
  /** Answers that were lost, before or after the commit. */
  lost: number;
  /** Steps that workers were told to be written, by task and attempt (`12:1`); all of them with the end. */
  readonly written: Map<string, number>;
  /** Tasks whose Cancel or Kill was answered by yes. */
  readonly stopped: string[];
  /** What was wrong while the world ran. Must stay empty. */
  readonly broken: string[];
}

/** Tasks that each worker runs at once. */
export const placesOfWorkers: readonly number[] = [1, 2, 5];

/** By so many tasks may a budget be passed. */
export const workerPlaces = placesOfWorkers.reduce((sum, places) => sum + places, 0);

const lostPercent = 3;
/** Callers ask most about what they asked for last. */
const recentTasks = 40;

export class World {
  readonly db: Database;
  readonly random: SeededRandom;
  readonly projectIds: readonly string[];
  readonly lives: Lives = {
    ...{ acknowledged: [], written: new Map(), stopped: [], broken: [] },
    ...{ repeated: 0, handedOver: 0, refused: 0, mixed: 0, spoilt: 0, turnedAway: 0, lost: 0 },
  };
  attempts: Attempt[] = [];
  /** Workers with a claim under way. */
  readonly claiming = new Set<string>();
  /** Task of each idempotency key. */
  readonly #byKey = new Map<string, string>();

  constructor(db: Database, random: SeededRandom, projectIds: readonly string[]) {
    this.db = db;
    this.random = random;
    this.projectIds = projectIds;
  }

  /** Of one process, for one turn. */
  network(): Writes {
    return faultyNetwork(this.db, this.random, lostPercent);
  }

  anyTask(): string {
    const { acknowledged } = this.lives;
    return this.random.pick(this.random.chance(0.8) ? acknowledged.slice(-recentTasks) : acknowledged) ?? "0";
  }

  /** Undefined when the answer was lost. */
  async hear<Answer>(asking: Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await asking;
    } catch (error) {
      if (!(error instanceof AnswerLost)) throw error;
      this.lives.lost += 1;
      return undefined;
    }
  }

  acknowledge(id: string, key: string | undefined): void {
    const known = key === undefined ? undefined : this.#byKey.get(key);
    if (known !== undefined && known !== id) this.lives.broken.push(`${key} made the tasks ${known} and ${id}`);
    if (key !== undefined) this.#byKey.set(key, id);
    if (known === undefined) this.lives.acknowledged.push(id);
  }

  drop(attempt: Attempt): void {
    this.attempts = this.attempts.filter((other) => other !== attempt);
  }
}
