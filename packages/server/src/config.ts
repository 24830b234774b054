// The only reader of the environment and of flags: turns them into one frozen, checked configuration.

import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { z } from "zod";

import { accessFrom, accessVariables } from "./config/access-settings.ts";
import type { AccessSettings } from "./config/access-settings.ts";
import { retentionFrom, retentionVariables } from "./config/retention-settings.ts";
import type { Retention } from "./config/retention-settings.ts";
import { checkS3Complete, s3From, s3Variables } from "./config/s3-settings.ts";
import type { S3Settings } from "./config/s3-settings.ts";
import { findUnknownSettings } from "./config/unknown-settings.ts";
import type { UnknownSetting } from "./config/unknown-settings.ts";
import { logLevels } from "./log.ts";
import type { LogLevel } from "./log.ts";
import { OperatorError } from "./operator-error.ts";

export interface Config {
  /** Address to listen on. Default 127.0.0.1: reachable from this machine only. */
  readonly host: string;
  /** Default 8420; 0 takes any free port. */
  readonly port: number;
  /** Absolute path of the data folder. Default `./data`. */
  readonly dataDir: string;
  /** Origin that clients see, without a slash at the end; undefined: `http://host:port`. */
  readonly publicUrl: string | undefined;
  /** PostgreSQL 15 or later to use instead of the embedded one. */
  readonly databaseUrl: string | undefined;
  /** The S3 server that keeps files instead of `dataDir/files`, with a bucket for Atelier alone. */
  readonly s3: S3Settings | undefined;
  /** Free space of the data folder below which no task is taken or begun. Default 256 MiB: PostgreSQL's log may take that much. */
  readonly diskReserveBytes: number;
  /** What is kept for how long. Default: everything. */
  readonly retention: Retention;
  /** Folders of manifests and weights, a user's own (`dataDir/models`) first, then the shipped ones. */
  readonly modelFolders: readonly string[];
  /** Threads of one engine. Default: the processors of this machine. */
  readonly threads: number;
  /** Tasks that run at once. Default 1; 0 runs none here. */
  readonly workers: number;
  /** Default `info`. */
  readonly logLevel: LogLevel;
  /** Short lines instead of JSON. Default: when stderr is a terminal. */
  readonly logPretty: boolean;
  /** 32 bytes; undefined: kept in `dataDir/master.key`. */
  readonly masterKey: Buffer | undefined;
  /** How the embedded PostgreSQL runs when this process is root. Default `auto`. */
  readonly postgresRunAs: "auto" | "namespace" | "user";
  /** Offers the deterministic test engine. Never in production: it draws nothing. */
  readonly fakeEngine: boolean;
  /** Hosts, addresses and networks that callbacks and input URLs may reach though they are not public. Default: none. */
  readonly outboundAllow: readonly string[];
  /** Which proxies are believed (default: none), and how many requests may come in a minute. */
  readonly access: AccessSettings;
  /** Names in the environment that look like settings and are none. */
  readonly unknownSettings: readonly UnknownSetting[];
  /** Root of the installation: the folder of the root package.json. */
  readonly installDir: string;
  /** Of this installation, as in the root package.json. */
  readonly version: string;
}

/** Values of the command line, as text; each wins over its environment variable. */
export interface Flags {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly data?: string | undefined;
  readonly workers?: string | undefined;
}

const text = z.string().trim().min(1).optional();

const variables = z
  .object({
    ATELIER_HOST: text.default("127.0.0.1"),
    ATELIER_PORT: wholeNumber(0, 65_535).default(8420),
    ATELIER_DATA: text.default("data"),
    PUBLIC_URL: z.string().transform(readOrigin).optional(),
    DATABASE_URL: z
      .string()
      .regex(/^postgres(ql)?:\/\//, "must start with postgres:// or postgresql://")
      .optional(),
    ...s3Variables,
    ...retentionVariables,
    ATELIER_DISK_RESERVE_MIB: wholeNumber(0, 1_000_000).default(256),
    ATELIER_MODELS: text,
    ATELIER_THREADS: wholeNumber(1, 256).optional(),
    ATELIER_WORKERS: wholeNumber(0, 64).default(1),
    ATELIER_LOG_LEVEL: z.enum(logLevels).default("info"),
    ATELIER_LOG_FORMAT: z.enum(["json", "pretty"]).optional(),
    ATELIER_MASTER_KEY: z.string().transform(readMasterKey).optional(),
    ATELIER_FAKE_ENGINE: z.enum(["0", "1"]).default("0"),
    ATELIER_OUTBOUND_ALLOW: z.string().transform((value) => value.split(",")).default([]),
    ...accessVariables,
    NODE_ENV: text,
    ATELIER_POSTGRES_RUN_AS: z.enum(["auto", "namespace", "user"]).default("auto"),
  })
  .refine((values) => values.ATELIER_FAKE_ENGINE === "0" || values.NODE_ENV !== "production", {
    path: ["ATELIER_FAKE_ENGINE"],
    message: "is for tests only, not for NODE_ENV=production",
  })
  .superRefine(checkS3Complete);

/** Reads and checks everything at once. Throws CONFIG_INVALID naming each bad value, never the value of a secret. */
export function readConfig(flags: Flags, environment: NodeJS.ProcessEnv = process.env): Config {
  const given = {
    ...withoutEmpty(environment),
    ...withoutEmpty({ ATELIER_HOST: flags.host, ATELIER_PORT: flags.port, ATELIER_DATA: flags.data, ATELIER_WORKERS: flags.workers }),
  };
  const parsed = variables.safeParse(given);
  if (!parsed.success) throw invalid(parsed.error, flags);
  const values = parsed.data;
  const dataDir = resolve(values.ATELIER_DATA);
  const installDir = findInstallDir();
  const shipped = values.ATELIER_MODELS === undefined ? join(installDir, "models") : resolve(values.ATELIER_MODELS);
  return Object.freeze({
    host: values.ATELIER_HOST,
    port: values.ATELIER_PORT,
    dataDir,
    publicUrl: values.PUBLIC_URL,
    databaseUrl: values.DATABASE_URL,
    s3: s3From(values),
    retention: retentionFrom(values),
    diskReserveBytes: values.ATELIER_DISK_RESERVE_MIB * 1024 * 1024,
    modelFolders: Object.freeze([join(dataDir, "models"), shipped]),
    threads: values.ATELIER_THREADS ?? availableParallelism(),
    workers: values.ATELIER_WORKERS,
    logLevel: values.ATELIER_LOG_LEVEL,
    logPretty: values.ATELIER_LOG_FORMAT === undefined ? process.stderr.isTTY : values.ATELIER_LOG_FORMAT === "pretty",
    masterKey: values.ATELIER_MASTER_KEY,
    postgresRunAs: values.ATELIER_POSTGRES_RUN_AS,
    fakeEngine: values.ATELIER_FAKE_ENGINE === "1",
    outboundAllow: Object.freeze(values.ATELIER_OUTBOUND_ALLOW),
    access: accessFrom(values),
    unknownSettings: Object.freeze(findUnknownSettings(withoutEmpty(environment), settingNames)),
    installDir,
    version: readVersion(installDir),
  });
}

function readVersion(installDir: string): string {
  // Our own root package.json.
  return (JSON.parse(readFileSync(join(installDir, "package.json"), "utf8")) as { version: string }).version;
}

/** Of commands that speak to a server as its client, and as its worker. */
const clientNames = ["ATELIER_URL", "ATELIER_API_KEY", "ATELIER_API_SECRET"] as const;
const workerNames = ["ATELIER_SERVER", "ATELIER_WORKER_TOKEN"] as const;

/** Every name that some command reads. */
export const settingNames: readonly string[] = Object.freeze([...Object.keys(variables.shape), ...clientNames, ...workerNames]);

/** What the command line client takes from the environment. */
export interface ClientEnvironment {
  readonly url: string | undefined;
  readonly apiKey: string | undefined;
  readonly apiSecret: string | undefined;
}

export function readClientEnvironment(environment: NodeJS.ProcessEnv = process.env): ClientEnvironment {
  const { ATELIER_URL, ATELIER_API_KEY, ATELIER_API_SECRET } = withoutEmpty(environment);
  return { url: ATELIER_URL, apiKey: ATELIER_API_KEY, apiSecret: ATELIER_API_SECRET };
}

/** What a worker on another machine takes from the environment. */
export function readWorkerEnvironment(environment: NodeJS.ProcessEnv = process.env): {
  readonly server: string | undefined;
  readonly token: string | undefined;
} {
  const { ATELIER_SERVER, ATELIER_WORKER_TOKEN } = withoutEmpty(environment);
  return { server: ATELIER_SERVER, token: ATELIER_WORKER_TOKEN };
}

/** An empty variable means "not set", as in most shells' scripts. */
function withoutEmpty(source: Record<string, string | undefined>): Record<string, string> {
  const kept = Object.entries(source).filter((pair): pair is [string, string] => (pair[1] ?? "").trim() !== "");
  return Object.fromEntries(kept);
}

function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\s*\d{1,9}\s*$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);
}

function readOrigin(value: string, context: z.RefinementCtx): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isAddress = url && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "" && url.username === "";
  if (isAddress && url.pathname === "/") return url.origin;
  const message = isAddress
    ? `must have no path: Atelier answers at the root of its own host name, as in ${url.origin}`
    : "must be a web address such as https://images.example.org";
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}

/** 32 bytes in hexadecimal (64 characters) or base64. */
function readMasterKey(value: string, context: z.RefinementCtx): Buffer {
  const trimmed = value.trim();
  const key = /^[0-9a-f]{64}$/i.test(trimmed) ? Buffer.from(trimmed, "hex") : Buffer.from(trimmed, "base64");
  if (key.length === 32) return key;
  context.addIssue({ code: "custom", message: "must be 32 bytes in hexadecimal or base64" });
  return z.NEVER;
}

function invalid(error: z.ZodError, flags: Flags): OperatorError {
  const flagNames: Record<string, string | undefined> = {
    ATELIER_HOST: flags.host && "--host",
    ATELIER_PORT: flags.port && "--port",
    ATELIER_DATA: flags.data && "--data",
    ATELIER_WORKERS: flags.workers && "--workers",
  };
  const problems = error.issues.map((issue) => {
    const name = String(issue.path[0]);
    return `${flagNames[name] ?? name} ${issue.message.replace(/^Invalid option: expected/, "must be")}`;
  });
  return new OperatorError("CONFIG_INVALID", {
    problem: `The configuration is not valid: ${problems.join("; ")}.`,
    remedy: "Correct it and start again.",
  });
}

/** The nearest folder above this file that holds the root package: the same from `src` and from `dist`. */
function findInstallDir(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package-lock.json")) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
