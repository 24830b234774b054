// Steady callers of the soak: each repeats a Run under its key until it is acknowledged, as a client that wants no loss does.

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
  /** Answers that no caller of a healthy or restarting server may get. */
  readonly surprises: readonly string[];
  /** Resolves when every Run that was begun is acknowledged. */
  stop(): Promise<void>;
}

const callers = 4;
const pauseMs = 400;
const againMs = 100;
/** Tasks whose end has not been told yet: a slow machine must not leave a queue that takes longer than the soak. */
const mostOpen = 60;

export function startLoad(world: SoakWorld, seed: number): Load {
  const acknowledged: Acknowledged[] = [];
  const surprises: string[] = [];
  let isStopped = false;
  const caller = async (number: number): Promise<void> => {
    const random = seededRandom(seed + number);
    for (let run = 0; !isStopped; run += 1) {
      await delay(random.below(2 * pauseMs));
      if (acknowledged.length - new Set(world.receiver.received.map(({ path }) => path)).size >= mostOpen) continue;
      const callbackPath = `/${number}/${run}`;
      const taskid = await runUntilAcknowledged(world, { key: `soak-${number}-${run}`, body: bodyOf(world, random, callbackPath), surprises });
      acknowledged.push({ taskid, callbackPath });
      if (random.chance(0.1)) await endOne(world, random, acknowledged);
    }
  };
  const running = Array.from({ length: callers }, (_, number) => caller(number));
  return {
    acknowledged,
    surprises,
    async stop() {
      isStopped = true;
      await Promise.all(running);
    },
  };
}

function bodyOf({ receiver }: SoakWorld, random: SeededRandom, callbackPath: string): object {
  const prompt = random.chance(0.05) ? "fail" : `stepMs=${random.below(100)}`;
  return { prompt, samples: 1 + random.below(2), callbackUrl: `${receiver.url}${callbackPath}` };
}

/** The server may be away, frozen or full; whatever else it answers is noted. */
async function runUntilAcknowledged(
  { server }: SoakWorld,
  { key, body, surprises }: { key: string; body: object; surprises: string[] },
): Promise<string> {
  for (;;) {
    const answer = await server.call("/Run/test/fake", body, { "idempotency-key": key }).catch(() => undefined);
    if (answer?.result) return String(answer["taskid"]);
    const text = JSON.stringify(answer?.["errors"] ?? []);
    if (answer && !/disk is full|starting or stopping/.test(text)) surprises.push(text);
    await delay(againMs);
  }
}

/** Cancels or kills one of those that were acknowledged; that it has ended already, or waits, is a right answer too. */
async function endOne({ server }: SoakWorld, random: SeededRandom, acknowledged: readonly Acknowledged[]): Promise<void> {
  const taskid = random.pick(acknowledged.slice(-20))?.taskid;
  await server.call(random.chance(0.5) ? "/Task/Kill" : "/Task/Cancel", { taskid }).catch(() => undefined);
}
