// Everything that the soak does to a running installation, each by a name that the report counts it under.

import { execFileSync } from "node:child_process";
import { rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { SeededRandom } from "../../simulation/random.ts";
import { engineOf } from "../crash-server.ts";
import type { Part } from "../crash-server.ts";
import { diskReserveMib } from "./soak-world.ts";
import type { SoakWorld } from "./soak-world.ts";

export interface Disturbance {
  readonly name: string;
  /** Deaths by SIGKILL that it causes: 0 for what kills nothing. */
  readonly kills: number;
  /** How often it is chosen, in proportion. */
  readonly weight: number;
  /** False when what it aims at is not there just now. */
  cause(world: SoakWorld, random: SeededRandom): Promise<boolean>;
}

/** Longer than a lease. */
const frozenMs = 5_000;
const fullMs = 1_500;
/** A server takes about so long to start; it is killed at any moment of that. */
const startMs = 2_500;

export const disturbances: readonly Disturbance[] = [
  { name: "server", kills: 1, weight: 5, cause: killServer },
  { name: "server, twice: the second time while it starts", kills: 2, weight: 2, cause: killServerTwice },
  { name: "PostgreSQL", kills: 1, weight: 5, cause: (world) => killPart(world, "postgres") },
  { name: "a session of PostgreSQL", kills: 1, weight: 3, cause: (world) => killPart(world, "session") },
  { name: "engine of the server's worker", kills: 1, weight: 4, cause: (world) => killPart(world, "engine") },
  { name: "remote worker", kills: 1, weight: 5, cause: killWorker },
  { name: "engine of a remote worker", kills: 1, weight: 4, cause: killEngineOfWorker },
  { name: "remote worker frozen past its lease (SIGSTOP, SIGCONT)", kills: 0, weight: 2, cause: freezeWorker },
  { name: "server frozen past all leases (SIGSTOP, SIGCONT)", kills: 0, weight: 1, cause: freezeServer },
  { name: "connections of a remote worker half open", kills: 0, weight: 2, cause: silenceWorker },
  { name: "disk full", kills: 0, weight: 1, cause: fillDisk },
];

/** One of a kind, drawn by weight. */
export function pickDisturbance(random: SeededRandom, { isKill }: { isKill: boolean }): Disturbance {
  const choices = disturbances.filter(({ kills }) => kills > 0 === isKill);
  const tickets = choices.flatMap((choice) => Array.from({ length: choice.weight }, () => choice));
  // Never empty: both kinds stand in the list.
  return random.pick(tickets) as Disturbance;
}

async function killServer(world: SoakWorld): Promise<boolean> {
  await world.server.signal("server", "SIGKILL");
  await world.startServer();
  return true;
}

async function killServerTwice(world: SoakWorld, random: SeededRandom): Promise<boolean> {
  await world.server.signal("server", "SIGKILL");
  await world.server.startAndKill(random.below(startMs));
  await world.startServer();
  return true;
}

function killPart({ server }: SoakWorld, part: Part): Promise<boolean> {
  return server.signal(part, "SIGKILL");
}

async function killWorker({ workers }: SoakWorld, random: SeededRandom): Promise<boolean> {
  const worker = random.pick(workers);
  await worker?.kill();
  await worker?.launch();
  return worker !== undefined;
}

async function killEngineOfWorker({ workers }: SoakWorld, random: SeededRandom): Promise<boolean> {
  const pid = engineOf(random.pick(workers)?.process.pid);
  if (pid === undefined) return false;
  process.kill(pid, "SIGKILL");
  return true;
}

async function freezeWorker({ workers }: SoakWorld, random: SeededRandom): Promise<boolean> {
  const worker = random.pick(workers);
  worker?.process.kill("SIGSTOP");
  await delay(frozenMs);
  worker?.process.kill("SIGCONT");
  return worker !== undefined;
}

async function freezeServer({ server }: SoakWorld): Promise<boolean> {
  await server.signal("server", "SIGSTOP");
  await delay(frozenMs);
  return server.signal("server", "SIGCONT");
}

async function silenceWorker({ workers }: SoakWorld, random: SeededRandom): Promise<boolean> {
  return (random.pick(workers)?.proxy.silence() ?? 0) > 0;
}

/** All but half of what the server keeps in reserve. */
async function fillDisk({ folder, hasOwnDisk }: SoakWorld): Promise<boolean> {
  if (!hasOwnDisk) return false;
  const filler = join(folder, "filler");
  const { bavail, bsize } = await statfs(folder);
  const bytes = bavail * bsize - (diskReserveMib / 2) * 1024 * 1024;
  if (bytes <= 0) return false;
  execFileSync("fallocate", ["--length", String(bytes), filler]);
  await delay(fullMs);
  await rm(filler);
  return true;
}
