// The server's log: one event per line on stderr, as JSON, or as short lines when a person watches.

import { pino } from "pino";
import type { DestinationStream, Logger } from "pino";

export type Log = Logger;

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export type LogLevel = (typeof logLevels)[number];

/** Never written, wherever they stand in a logged object. */
const secretNames = [
  "apikey",
  "apiKey",
  "apisecret",
  "apiSecret",
  "secret",
  "masterKey",
  "databaseUrl",
  "secretAccessKey",
  "authorization",
  "cookie",
  '["x-api-key"]',
  '["x-signature"]',
  '["x-nonce"]',
  "socketaccesstoken",
  "tasktoken",
  "token",
];

const redactPaths = secretNames.flatMap((name) => {
  const path = name.startsWith("[") ? name : `.${name}`;
  return [name, `*${path}`, `*.*${path}`];
});

/** Opens the log. `pretty`: short lines without colour codes instead of JSON. `destination`: default stderr. */
export function openLog(options: { level: LogLevel; pretty: boolean; destination?: DestinationStream }): Log {
  const target = options.destination ?? { write: (line: string) => void process.stderr.write(line) };
  const destination = options.pretty ? { write: (line: string) => target.write(prettyLine(line)) } : target;
  const settings = {
    level: options.level,
    base: null,
    serializers: { err: errorFields },
    redact: { paths: redactPaths, censor: "[hidden]" },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(settings, destination);
}

/** What tells about an error. Libraries hang whole clients on theirs, with addresses and keys. */
function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as { code?: unknown };
  const cause = error.cause === undefined ? {} : { cause: errorFields(error.cause) };
  return { type: error.name, message: error.message, ...(code === undefined ? {} : { code }), stack: error.stack, ...cause };
}

/** `12:00:01 info  task.claimed taskId=12 attempt=1` */
function prettyLine(line: string): string {
  // Written by pino just above: one JSON object.
  const { level, time, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${shortValue(value)}`);
  const head = [String(time).slice(11, 19), String(level).padEnd(5), String(msg), ...shown].join(" ");
  return `${head}${errorText(err, level)}\n`;
}

function shortValue(value: unknown): string {
  return typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

/** Stacks only where something broke: a warning's message is enough. */
function errorText(error: unknown, level: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const { message, stack } = error as { message?: string; stack?: string };
  return level === "error" || level === "fatal" ? `\n  ${stack ?? message}` : ` ${message}`;
}
