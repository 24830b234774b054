// Steady callers of the soak: half of them repeat each Run under its key until it is acknowledged, as a client that wants no loss does; the
// others send theirs once, without a key, so that it may share its statement and be handed over, and do not know what an answer that did
// not come would have said.

import { setTimeout as delay } from "node:timers/promises";

import { seededRandom } from "../../simulation/random.ts";
import type { SeededRandom } from "../../simulation/random.ts";
import type { SoakWorld } from "./soak-world.ts";

export interface Acknowledged {
  readonly taskid: string;
  /** Where its callback must arrive. */
  readonly callbackPath: string;
}

export interface Load {
  readonly acknowledged: readonly Acknowledged[];
  /** Callback paths of Runs without a key whose answer did not come: each made a task or did not. */
  readonly unknown: ReadonlySet<string>;
  /** Answers that no caller of a healthy or restarting server may get. */
  readonly surprises: readonly string[];
  /** Resolves when every Run that was begun is acknowledged. */
  stop(): Promise<void>;
}

const callers = 4;
const pauseMs = 400;
const againMs = 100;
/** Tasks whose end has not been told yet, in busy and in quiet times, which take turns: a slow machine must not leave a queue that takes
 *  longer than the soak, and in quiet times workers wait for tasks. */
const mostOpen = { busy: 60, quiet: 2 };
const timesMs = 4_000;

export function startLoad(world: SoakWorld, seed: number): Load {
  const acknowledged: Acknowledged[] = [];
  const unknown = new Set<string>();
  const surprises: string[] = [];
  let isStopped = false;
  const caller = async (number: number): Promise<void> => {
    const random = seededRandom(seed + number);
    for (let run = 0; !isStopped; run += 1) {
      await delay(random.below(2 * pauseMs));
      if (acknowledged.length - new Set(world.receiver.received.map(({ path }) => path)).size >= mostOpen[timeOf(performance.now())]) continue;
      const callbackPath = `/${number}/${run}`;
      const request = { key: number % 2 === 0 ? `soak-${number}-${run}` : undefined, body: bodyOf(world, random, callbackPath), surprises };
      const taskid = await runUntilAcknowledged(world, request);
      if (taskid === undefined) unknown.add(callbackPath);
      else acknowledged.push({ taskid, callbackPath });
      if (random.chance(0.1)) await endOne(world, random, acknowledged);
    }
  };
  const running = Array.from({ length: callers }, (_, number) => caller(number));
  return {
    acknowledged,
    unknown,
    surprises,
    async stop() {
      isStopped = true;
      await Promise.all(running);
    },
  };
}

function timeOf(nowMs: number): keyof typeof mostOpen {
  return Math.floor(nowMs / timesMs) % 2 === 0 ? "busy" : "quiet";
}

function bodyOf({ receiver }: SoakWorld, random: SeededRandom, callbackPath: string): object {
  const prompt = random.chance(0.05) ? "fail" : `stepMs=${random.below(100)}`;
  return { prompt, samples: 1 + random.below(2), callbackUrl: `${receiver.url}${callbackPath}` };
}

/** The server may be away, frozen or full; whatever else it answers is noted. Undefined: there was no key, and the answer did not come, or
 *  it left open what was done. */
async function runUntilAcknowledged(
  { server }: SoakWorld,
  { key, body, surprises }: { key: string | undefined; body: object; surprises: string[] },
): Promise<string | undefined> {
  for (;;) {
    const answer = await server.call("/Run/test/fake", body, key === undefined ? {} : { "idempotency-key": key }).catch(() => undefined);
    if (answer?.result) return String(answer["taskid"]);
    const text = JSON.stringify(answer?.["errors"] ?? []);
    if (answer && !/disk is full|starting or stopping/.test(text)) surprises.push(text);
    await delay(againMs);
    if (key === undefined) return undefined;
  }
}

/** Cancels or kills one of those that were acknowledged; that it has ended already, or waits, is a right answer too. */
async function endOne({ server }: SoakWorld, random: SeededRandom, acknowledged: readonly Acknowledged[]): Promise<void> {
  const taskid = random.pick(acknowledged.slice(-20))?.taskid;
  await server.call(random.chance(0.5) ? "/Task/Kill" : "/Task/Cancel", { taskid }).catch(() => undefined);
}
