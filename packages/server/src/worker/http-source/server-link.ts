// A remote worker's requests to its server: authenticated, bounded in time, repeated where that is safe.

import { setTimeout as delay } from "node:timers/promises";

import { workerHeaders, workerProtocolVersion } from "@atelier/schema/worker-messages";
import { Agent, request } from "undici";
import type { Dispatcher } from "undici";
import type { z } from "zod";

import { AtelierError } from "../../errors.ts";
import type { ErrorCode } from "../../errors.ts";
import { limits } from "../../limits.ts";
import { retryWaitMs } from "../retry-wait.ts";

export interface LinkSettings {
  /** Origin of the server, without a slash at the end. */
  readonly url: string;
  readonly token: string;
  /** A UUID of this process. */
  readonly workerId: string;
  /** Called once when the server refuses this worker for good: its token or its version. */
  readonly onRefused: (error: AtelierError) => void;
  /** Called once when the server has taken a first call. */
  readonly onAccepted?: () => void;
}

export interface CallOptions {
  readonly method?: "GET" | "POST" | "PUT";
  /** A JSON message, or bytes. */
  readonly body?: object | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** By HTTP status. All others, and no answer at all, are SERVER_UNAVAILABLE: they may pass. */
const refusals: Readonly<Record<number, ErrorCode>> = {
  400: "WORKER_MESSAGE_INVALID",
  401: "WORKER_TOKEN_INVALID",
  404: "WORKER_INPUT_MISSING",
  409: "WORKER_LEASE_LOST",
  413: "WORKER_UPLOAD_TOO_LARGE",
  416: "WORKER_UPLOAD_OFFSET",
  422: "WORKER_UPLOAD_INCOMPLETE",
  426: "WORKER_PROTOCOL",
};

export class ServerLink {
  readonly #settings: LinkSettings;
  /** For bytes: a slow upload must not end with the connections that `reconnect` gives up. */
  readonly #bulk = newAgent();
  #agent = newAgent();
  #hasRefused = false;
  #hasAccepted = false;
  #isClosed = false;

  constructor(settings: LinkSettings) {
    this.#settings = settings;
  }

  /** Throws SERVER_UNAVAILABLE, or the refusal with the server's own words as its cause. */
  async call<Answer extends z.ZodType>(path: string, answer: Answer, options: CallOptions = {}): Promise<z.output<Answer>> {
    const response = await this.open(path, options);
    const text = await response.body.text().catch((error: unknown) => {
      throw unavailable(error);
    });
    const parsed = answer.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw unavailable(new Error(`${this.#settings.url} did not answer as an Atelier server does`));
  }

  /** Repeats a call until its outcome is known. `isRepeated`: an answer to it was lost before.
   *  Throws a refusal at once, SERVER_UNAVAILABLE when the server stays away. */
  async certainly<Result>(attempt: (isRepeated: boolean) => Promise<Result>): Promise<Result> {
    const deadline = performance.now() + limits.workerAwayMs;
    for (let tries = 0; ; tries += 1) {
      try {
        return await attempt(tries > 0);
      } catch (error) {
        if (!isUnavailable(error) || this.#isOver || performance.now() > deadline) throw error;
      }
      await delay(retryWaitMs(tries));
    }
  }

  /** The answer's head has come, with a status of success. Throws as `call` does. */
  async open(path: string, options: CallOptions): Promise<Dispatcher.ResponseData> {
    const { method = "POST", body, headers = {}, timeoutMs = limits.workerRequestMs, signal } = options;
    const isBytes = Buffer.isBuffer(body);
    try {
      const response = await request(`${this.#settings.url}/worker/v1/${path}`, {
        dispatcher: isBytes ? this.#bulk : this.#agent,
        method,
        headers: { ...this.#headers(), "content-type": isBytes ? "application/octet-stream" : "application/json", ...headers },
        body: isBytes ? body : body ? JSON.stringify(body) : null,
        signal: within(timeoutMs, signal),
      });
      if (response.statusCode === 200) {
        this.#accepted();
        return response;
      }
      throw this.#refusal(path, response.statusCode, await response.body.text());
    } catch (error) {
      if (error instanceof AtelierError) throw error;
      throw unavailable(error);
    }
  }

  /** Gives up all open connections but those of uploads: one of them is dead without a word, so the others may be. */
  reconnect(): void {
    const before = this.#agent;
    this.#agent = newAgent();
    void before.destroy();
  }

  /** Everything under way fails with SERVER_UNAVAILABLE. Safe to call again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#agent.destroy(), this.#bulk.destroy()]);
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#hasRefused;
  }

  #headers(): Record<string, string> {
    const { token, workerId } = this.#settings;
    return {
      authorization: `Bearer ${token}`,
      [workerHeaders.worker]: workerId,
      [workerHeaders.protocol]: String(workerProtocolVersion),
    };
  }

  #accepted(): void {
    if (this.#hasAccepted) return;
    this.#hasAccepted = true;
    this.#settings.onAccepted?.();
  }

  #refusal(path: string, status: number, text: string): AtelierError {
    const code = refusals[status];
    const cause = new Error(messageIn(text) ?? `HTTP ${status}`);
    const isElsewhere = code === "WORKER_INPUT_MISSING" && !path.includes("/inputs?");
    if (code === undefined || isElsewhere) return unavailable(cause);
    const error = new AtelierError(code, {}, { cause });
    const isFinal = code === "WORKER_TOKEN_INVALID" || code === "WORKER_PROTOCOL";
    if (isFinal && !this.#hasRefused) {
      this.#hasRefused = true;
      this.#settings.onRefused(error);
    }
    return error;
  }
}

function newAgent(): Agent {
  return new Agent({
    connect: { timeout: limits.workerHeartbeatMs },
    // Held requests answer late; each has its own limit.
    headersTimeout: 0,
    bodyTimeout: limits.workerRequestMs,
  });
}

/** Aborts after a time, or with `signal`. */
function within(timeoutMs: number, signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  if (!signal) return timeout;
  // Node 20's `AbortSignal.any` holds what it is made of weakly, and a timeout that was collected never comes; one with a listener stays.
  timeout.addEventListener("abort", () => undefined, { once: true });
  return AbortSignal.any([signal, timeout]);
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof AtelierError && error.code === "SERVER_UNAVAILABLE";
}

function unavailable(cause: unknown): AtelierError {
  return new AtelierError("SERVER_UNAVAILABLE", {}, { cause });
}

/** The text of a failure's envelope. */
function messageIn(text: string): string | undefined {
  const envelope = parseJson(text) as { errors?: { message?: unknown }[] } | undefined;
  const message = envelope?.errors?.[0]?.message;
  return typeof message === "string" ? message : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no answer of ours: the caller's schema refuses it
  }
}
