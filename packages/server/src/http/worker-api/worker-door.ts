// Finds out which remote worker a request comes from, and whether it speaks this server's protocol.

import { workerHeaders, workerProtocolVersion } from "@atelier/schema/worker-messages";
import type { FastifyRequest } from "fastify";

import type { Queryable } from "../../db/queryable.ts";
import { AtelierError } from "../../errors.ts";
import { limits } from "../../limits.ts";
import { checkWorkerToken } from "../../projects/worker-tokens.ts";
import { TokenBuckets } from "../token-buckets.ts";
import { originOf } from "../visit.ts";

export interface RemoteWorker {
  /** Its id in the fence of its leases: bound to its token, so that no worker can use another token's leases. */
  readonly workerId: string;
  /** Throws WORKER_TOKEN_INVALID when the token was revoked meanwhile. */
  checkAgain(): Promise<void>;
}

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export class WorkerDoor {
  readonly #deps: { readonly db: Queryable; readonly version: string };
  readonly #refusals = new TokenBuckets({ perMinute: limits.workerRefusalsPerMinute, buckets: limits.rateBuckets });

  constructor(deps: { db: Queryable; version: string }) {
    this.#deps = deps;
  }

  /** Throws WORKER_PROTOCOL, WORKER_TOKEN_INVALID, WORKER_MESSAGE_INVALID or, after many refusals, RATE_LIMITED. */
  async enter(request: FastifyRequest): Promise<RemoteWorker> {
    this.#checkProtocol(request);
    const token = /^Bearer +(\S+)$/i.exec(headerOf(request, "authorization"))?.[1] ?? "";
    const tokenId = await this.#checkToken(request, token);
    const uuid = headerOf(request, workerHeaders.worker).toLowerCase();
    if (!uuidForm.test(uuid)) throw new AtelierError("WORKER_MESSAGE_INVALID", { problem: `${workerHeaders.worker} is no UUID` });
    return {
      workerId: `${tokenId}.${uuid}`,
      checkAgain: async () => void (await this.#checkToken(request, token)),
    };
  }

  #checkProtocol(request: FastifyRequest): void {
    const theirs = headerOf(request, workerHeaders.protocol);
    if (theirs === String(workerProtocolVersion)) return;
    const { version } = this.#deps;
    throw new AtelierError("WORKER_PROTOCOL", { version, ours: workerProtocolVersion, theirs: /^\d{1,9}$/.test(theirs) ? theirs : "none" });
  }

  async #checkToken(request: FastifyRequest, token: string): Promise<string> {
    const tokenId = await checkWorkerToken(this.#deps, token);
    if (tokenId !== undefined) return tokenId;
    const waitMs = this.#refusals.take(originOf(request)?.address ?? "");
    if (waitMs > 0) throw new AtelierError("RATE_LIMITED", { seconds: Math.ceil(waitMs / 1000) });
    throw new AtelierError("WORKER_TOKEN_INVALID");
  }
}

function headerOf(request: FastifyRequest, name: string): string {
  const value = request.headers[name];
  return typeof value === "string" ? value.trim() : "";
}
