// Settings that nobody reads: a misspelt name changes nothing, and says nothing by itself.

import type { Log } from "../log.ts";

export interface UnknownSetting {
  readonly name: string;
  /** The setting that was probably meant. */
  readonly nearest: string | undefined;
}

/** Read by scripts, tests and benchmarks, never by a server. */
export const namesOfTools: readonly string[] = [
  "ATELIER_DEBIAN_POSTGRES",
  "ATELIER_EVENTS_SEED",
  "ATELIER_LANE_SEED",
  "ATELIER_LINES_SECONDS",
  "ATELIER_LIVES",
  "ATELIER_OUTAGES",
  "ATELIER_OUTAGES_SEED",
  "ATELIER_SIMULATION_SECONDS",
  "ATELIER_SIMULATION_SEED",
  "ATELIER_SOAK_KILLS",
  "ATELIER_SOAK_REPORT",
  "ATELIER_SOAK_SEED",
  "ATELIER_TEST_POSTGRES",
  "ATELIER_TRAINING_ENV",
  "ATELIER_TRAINING_PYTHON",
];

/** The names of ours in `environment` that are not among `known`. */
export function findUnknownSettings(environment: Readonly<Record<string, string>>, known: readonly string[]): UnknownSetting[] {
  const unknown = Object.keys(environment).filter((name) => name.startsWith("ATELIER_") && !known.includes(name) && !namesOfTools.includes(name));
  return unknown.toSorted().map((name) => ({ name, nearest: nearestOf(name, known) }));
}

export function warnOfUnknownSettings(log: Log, unknown: readonly UnknownSetting[]): void {
  for (const { name, nearest } of unknown) {
    const remedy = nearest === undefined ? "README.md and docs/operations.md list the settings." : `Did you mean ${nearest}?`;
    log.warn({ setting: name, reason: "no setting has this name: it changes nothing", remedy }, "config.unknown_setting");
  }
}

/** More changes than these make another name of it. */
const mostChanges = 3;

function nearestOf(name: string, known: readonly string[]): string | undefined {
  const changes = known.map((candidate) => ({ candidate, count: countChanges(name, candidate) }));
  const [nearest] = changes.filter(({ count }) => count <= mostChanges).toSorted((one, other) => one.count - other.count);
  return nearest?.candidate;
}

/** Characters to insert, remove or replace (Levenshtein 1966), by rows of the usual table. */
function countChanges(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [at, character] of [...from].entries()) {
    const above = row;
    row = [at + 1];
    for (let index = 1; index <= to.length; index += 1) {
      const [left = 0, up = 0, corner = 0] = [row[index - 1], above[index], above[index - 1]];
      row.push(Math.min(left + 1, up + 1, corner + (to[index - 1] === character ? 0 : 1)));
    }
  }
  return row.at(-1) ?? 0;
}
