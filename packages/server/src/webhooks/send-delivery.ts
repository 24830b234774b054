// One try of one callback: builds it, signs it, sends it, and writes down what became of it.

import { wireDelivery } from "@atelier/schema/wire-delivery";
import { wireTask } from "@atelier/schema/wire-task";

import type { Queryable } from "../db/queryable.ts";
import { endDeliveryAttempt, hasTryEndedIn } from "../db/queries/deliveries.ts";
import type { ClaimedDelivery, DeliveryOutcome, DeliveryVerdict } from "../db/queries/deliveries.ts";
import type { Log } from "../log.ts";
import type { ModelRegistry } from "../models/registry.ts";
import { OutboundError, reachedFailures } from "../outbound/outbound-error.ts";
import type { Outbound } from "../outbound/outbound.ts";
import { findTask } from "../tasks/find-task.ts";
import { nextWaitMs } from "./retry-schedule.ts";
import { signatureHeaders } from "./sign.ts";
import { liveWebhookSecrets } from "./webhook-secret.ts";

export interface SendDeps {
  readonly db: Queryable;
  readonly outbound: Outbound;
  readonly models: Pick<ModelRegistry, "findByName">;
  readonly masterKey: Buffer;
  /** Where outputs are reached from outside, without a slash at the end. */
  readonly publicUrl: string;
  /** As in answers; undefined: outputs are kept for good. */
  readonly outputDays?: number | undefined;
  readonly log: Log;
  /** Draws the jitter of waits, from 0 up to 1. Default: Math.random. */
  readonly drawRatio?: () => number;
  /** Limit of one try. Default: the limit of outbound posts. */
  readonly timeoutMs?: number;
}

/** Resolves when the outcome is written. Rejects when it could not be: the lease then runs out and the callback is sent
 *  again, with the same webhook-id. */
export async function sendDelivery(deps: SendDeps, delivery: ClaimedDelivery, signal: AbortSignal): Promise<void> {
  const startedMs = performance.now();
  const result = await attempt(deps, delivery, signal);
  const outcome = { ...result, durationMs: Math.round(performance.now() - startedMs) };
  const verdict = judge(delivery, { ...result, isFinal: await isFinal(deps, delivery, result) }, deps.drawRatio ?? Math.random);
  const isNewest = await endDeliveryAttempt(deps.db, delivery, outcome, verdict);
  // Neither the URL nor the body: both may hold secrets of the receiver.
  const facts = { deliveryId: delivery.id, taskId: delivery.taskId, attempt: delivery.attempt, ...outcome };
  if (!isNewest) deps.log.info(facts, "delivery.superseded");
  else if (verdict.status === "delivered") deps.log.info(facts, "delivery.delivered");
  else if (verdict.status === "abandoned") deps.log.warn(facts, "delivery.abandoned");
  else if (result.isRefusal) deps.log.warn({ ...facts, waitMs: verdict.waitMs, remedy: forgottenSetting }, "delivery.refused");
  else deps.log.info({ ...facts, waitMs: verdict.waitMs }, "delivery.failed");
}

const forgottenSetting = "An earlier try was allowed: look at ATELIER_OUTBOUND_ALLOW, and at the name's address.";

interface Result extends Omit<DeliveryOutcome, "durationMs"> {
  /** The same URL would be refused again. */
  readonly isRefusal?: boolean;
}

async function attempt(deps: SendDeps, delivery: ClaimedDelivery, signal: AbortSignal): Promise<Result> {
  try {
    const request = await buildRequest(deps, delivery);
    const { status } = await deps.outbound.post({ ...request, url: delivery.url, timeoutMs: deps.timeoutMs, signal });
    return { httpStatus: status, errorClass: null };
  } catch (error) {
    if (error instanceof OutboundError) {
      return { httpStatus: error.status ?? null, errorClass: error.code, isRefusal: error.isRefusal };
    }
    deps.log.error({ err: error, deliveryId: delivery.id, taskId: delivery.taskId }, "delivery.fault");
    return { httpStatus: null, errorClass: "server-fault" };
  }
}

async function buildRequest(
  deps: SendDeps,
  delivery: ClaimedDelivery,
): Promise<{ headers: Record<string, string>; body: Buffer }> {
  const task = await findTask(deps, { projectId: delivery.projectId, id: delivery.taskId });
  if (!task) throw new Error("the task of a delivery is missing");
  const shown = wireTask(task, {
    model: deps.models.findByName(task.model),
    outputDays: deps.outputDays,
    outputUrl: (fileKey) => `${deps.publicUrl}/outputs/${fileKey}`,
  });
  const body = Buffer.from(JSON.stringify(wireDelivery(shown)), "utf8");
  const secrets = await liveWebhookSecrets(deps, delivery.projectId);
  if (secrets.length === 0) throw new Error("the project of a delivery is missing");
  const signature = signatureHeaders(secrets, { id: delivery.messageId, at: delivery.startedAt, body });
  return { headers: { "content-type": "application/json", "user-agent": "Atelier-Webhooks/1", ...signature }, body };
}

/** Whether to send it no more. What was allowed before, and is not since a restart without its setting, keeps its other tries. */
async function isFinal(deps: SendDeps, delivery: ClaimedDelivery, { isRefusal }: Result): Promise<boolean> {
  return isRefusal === true && !(await hasTryEndedIn(deps.db, delivery, reachedFailures));
}

function judge(delivery: ClaimedDelivery, result: Result & { isFinal: boolean }, drawRatio: () => number): DeliveryVerdict {
  if (result.errorClass === null) return { status: "delivered" };
  if (result.errorClass === "stopped") return { status: "waiting", waitMs: 0, countsAsFailure: false };
  const waitMs = result.isFinal ? undefined : nextWaitMs(delivery.failures + 1, drawRatio);
  return waitMs === undefined ? { status: "abandoned" } : { status: "waiting", waitMs, countsAsFailure: true };
}
