// The delivery loop: takes due callbacks from the database and sends them, a few at a time, on any number of servers.

import { setTimeout as delay } from "node:timers/promises";

import type { Database } from "../db/database.ts";
import type { Subscription } from "../db/listener.ts";
import { claimDelivery } from "../db/queries/deliveries.ts";
import type { ClaimedDelivery } from "../db/queries/deliveries.ts";
import { limits } from "../limits.ts";
import { sendDelivery } from "./send-delivery.ts";
import type { SendDeps } from "./send-delivery.ts";

export interface WebhookDeps extends SendDeps {
  readonly db: Database;
  /** What callbacks under way get when it stops. Default: the limit. */
  readonly stopMs?: number;
}

export interface Webhooks {
  /** Sends everything that is due now; resolves when nothing is due or under way any more. */
  runOnce(): Promise<void>;
  /** Claims no more, lets what is under way end within the limit, and breaks off the rest, which stays due. */
  stop(): Promise<void>;
}

/** Resolves when it listens; what was due before is sent without being asked. */
export async function startWebhooks(deps: WebhookDeps): Promise<Webhooks> {
  const loop = new DeliveryLoop(deps);
  await loop.start();
  return loop;
}

class DeliveryLoop implements Webhooks {
  readonly #deps: WebhookDeps;
  readonly #underWay = new Map<Promise<void>, ClaimedDelivery>();
  readonly #breakOff = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #subscription: Subscription | undefined;
  #filling: Promise<void> | undefined;
  #fillAgain = false;
  #stopping = false;

  constructor(deps: WebhookDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    const wake = (): void => this.#wake();
    this.#subscription = await this.#deps.db.listen("atelier_delivery", wake, wake);
    this.#timer = setInterval(wake, limits.deliveryPollMs);
    this.#wake();
  }

  async runOnce(): Promise<void> {
    for (;;) {
      await this.#fill();
      if (this.#underWay.size === 0) return;
      await Promise.race(this.#underWay.keys());
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#timer);
    this.#subscription?.stop();
    await this.#filling?.catch(() => undefined); // logged by whoever woke it
    const ended = new AbortController();
    const late = delay(this.#deps.stopMs ?? limits.deliveryStopMs, undefined, { signal: ended.signal }).then(
      () => this.#breakOff.abort(),
      () => undefined,
    );
    await Promise.all(this.#underWay.keys());
    ended.abort();
    await late;
  }

  #wake(): void {
    this.#fill().catch((error: unknown) => this.#deps.log.warn({ err: error }, "delivery.claim_failed"));
  }

  #fill(): Promise<void> {
    this.#fillAgain = true;
    this.#filling ??= this.#claimWhilePossible().finally(() => (this.#filling = undefined));
    return this.#filling;
  }

  async #claimWhilePossible(): Promise<void> {
    while (this.#fillAgain && !this.#stopping && this.#underWay.size < limits.deliverySlots) {
      this.#fillAgain = false;
      const delivery = await claimDelivery(this.#deps.db, {
        leaseMs: limits.deliveryLeaseMs,
        exceptProjects: this.#busyProjects(),
      });
      if (!delivery) continue;
      this.#fillAgain = true;
      this.#send(delivery);
    }
  }

  #send(delivery: ClaimedDelivery): void {
    const sent = sendDelivery(this.#deps, delivery, this.#breakOff.signal)
      .catch((error: unknown) => this.#deps.log.warn({ err: error, deliveryId: delivery.id }, "delivery.outcome_lost"))
      .finally(() => {
        this.#underWay.delete(sent);
        this.#wake();
      });
    this.#underWay.set(sent, delivery);
  }

  /** Projects with as many callbacks under way as one may have. */
  #busyProjects(): string[] {
    const counts = new Map<string, number>();
    for (const { projectId } of this.#underWay.values()) counts.set(projectId, (counts.get(projectId) ?? 0) + 1);
    return [...counts].filter(([, count]) => count >= limits.deliverySlotsPerProject).map(([projectId]) => projectId);
  }
}
