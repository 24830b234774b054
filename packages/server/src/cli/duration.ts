// Reads spans of time as people write them: 30s, 15m, 24h, 7d.

import { InvalidArgumentError, Option } from "commander";

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const longestMs = 10 * 366 * 86_400_000;

/** An option that takes a span of time. Its value is in milliseconds. */
export function durationOption(flags: string, description: string, defaultMs: number): Option {
  return new Option(flags, description).argParser(parseDuration).default(defaultMs, durationText(defaultMs));
}

/** As people write it, in the largest unit that divides it. */
function durationText(ms: number): string {
  const [unit, unitMs] = Object.entries(unitsMs).findLast(([, length]) => ms % length === 0 && ms > 0) ?? ["s", 1_000];
  return `${ms / unitMs}${unit}`;
}

/** Milliseconds. Throws what commander shows beside the option's name. */
export function parseDuration(text: string): number {
  const ms = readDuration(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError("Write for example 30m, 24h or 7d; 0 for at once.");
}

/** The same for what must last a while. */
export function parseLifetime(text: string): number {
  const ms = readDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new InvalidArgumentError("Write for example 12h or 90d.");
}

function readDuration(text: string): number | undefined {
  const [, digits, unit = "s"] = /^(\d{1,9})(s|m|h|d)?$/.exec(text.trim()) ?? [];
  const ms = Number(digits) * (unitsMs[unit] ?? Number.NaN);
  return digits !== undefined && (digits === "0" || text.trim() !== digits) && ms <= longestMs ? ms : undefined;
}
