// Pictures of tasks that are being drawn, from the workers that draw them to whoever looks, through every server of one database.
//
// Stored nowhere: a preview that nobody sees is gone. Engines make them only for tasks that somebody looks at: whoever follows
// says so again and again, and a worker that has not heard it for a while makes no more.

import { z } from "zod";

import type { Database } from "../db/database.ts";
import { announceAll } from "../db/queries/announcements.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";

export interface Preview {
  /** Steps finished and steps in all, over all pictures of the run. */
  readonly step: number;
  readonly stepTotal: number;
  /** A `data:` URI. */
  readonly image: string;
}

export interface PreviewFeed {
  /** Calls `onPreview` for the task's previews from now on, as long as its worker makes some. Beyond the limit of followed tasks
   *  nobody is told that this one is wanted: previews are an extra. */
  follow(taskId: string, onPreview: (preview: Preview) => void): { stop(): void };
  /** Whether somebody looks at the task, on whichever server. */
  isWanted(taskId: string): boolean;
  /** Shows a preview to whoever looks. Returns at once; one that is too large for a notification is dropped. */
  publish(taskId: string, preview: Preview): void;
  stop(): void;
}

export function openPreviewFeed(deps: { db: Pick<Database, "query" | "listen">; log: Log }): PreviewFeed {
  return new NotifiedPreviews(deps);
}

const channels = { wanted: "atelier_preview_wanted", shown: "atelier_preview" } as const;

/** Task, step, steps in all, picture. */
const payloadSchema = z.tuple([z.string(), z.number(), z.number(), z.string()]);

class NotifiedPreviews implements PreviewFeed {
  readonly #deps: { readonly db: Pick<Database, "query" | "listen">; readonly log: Log };
  readonly #followers = new Map<string, Set<(preview: Preview) => void>>();
  /** Until when somebody wants a task's previews, by task. */
  readonly #wanted = new Map<string, number>();
  /** Tasks of which this server is to say that they are wanted, and the newest preview of each that is to be shown. */
  readonly #toAsk = new Set<string>();
  readonly #toShow = new Map<string, string>();
  #isTelling = false;
  #isListening = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: { db: Pick<Database, "query" | "listen">; log: Log }) {
    this.#deps = deps;
  }

  follow(taskId: string, onPreview: (preview: Preview) => void): { stop(): void } {
    this.#listen();
    const followers = this.#followers.get(taskId) ?? new Set();
    this.#followers.set(taskId, followers.add(onPreview));
    this.#ask(taskId);
    this.#timer ??= setInterval(() => [...this.#followers.keys()].forEach((id) => this.#ask(id)), limits.previewAskMs).unref();
    return {
      stop: () => {
        followers.delete(onPreview);
        if (followers.size === 0 && this.#followers.get(taskId) === followers) this.#followers.delete(taskId);
        if (this.#followers.size === 0) this.#stopAsking();
      },
    };
  }

  isWanted(taskId: string): boolean {
    this.#listen();
    return (this.#wanted.get(taskId) ?? 0) > Date.now();
  }

  publish(taskId: string, { step, stepTotal, image }: Preview): void {
    const payload = JSON.stringify([taskId, step, stepTotal, image]);
    if (payload.length > limits.notificationCharacters) return;
    // A newer preview of a task that waits takes the place of the older one.
    if (!this.#toShow.has(taskId) && this.#toShow.size >= limits.previewsWaiting) return;
    this.#toShow.set(taskId, payload);
    this.#tellSoon();
  }

  stop(): void {
    this.#stopAsking();
    this.#followers.clear();
  }

  /** Its own process hears it at once, others by the notification. */
  #ask(taskId: string): void {
    this.#note(taskId);
    if (this.#toAsk.size >= limits.previewTasks) return;
    this.#toAsk.add(taskId);
    this.#tellSoon();
  }

  #note(taskId: string): void {
    const now = Date.now();
    if (this.#wanted.size >= limits.previewTasks) for (const [id, until] of this.#wanted) if (until <= now) this.#wanted.delete(id);
    if (this.#wanted.size < limits.previewTasks) this.#wanted.set(taskId, now + limits.previewWantedMs);
  }

  #tellSoon(): void {
    if (!this.#isTelling) void this.#tell();
  }

  /** One statement at a time of either kind; what comes meanwhile shares the next one. */
  async #tell(): Promise<void> {
    this.#isTelling = true;
    // What comes in the same turn of the event loop goes along.
    await new Promise(setImmediate);
    while (this.#toAsk.size + this.#toShow.size > 0) {
      const news = [[channels.wanted, [...this.#toAsk]], [channels.shown, [...this.#toShow.values()]]] as const;
      this.#toAsk.clear();
      this.#toShow.clear();
      for (const [channel, payloads] of news) {
        if (payloads.length > 0) await announceAll(this.#deps.db, channel, payloads).catch(this.#onNotTold);
      }
    }
    this.#isTelling = false;
  }

  readonly #onNotTold = (error: unknown): void => {
    this.#deps.log.debug({ err: error }, "previews.not_announced");
  };

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    const listen = async (channel: string, take: (payload: string) => void): Promise<void> => {
      // What is missed while the listener is away is missed: the next preview comes soon.
      await this.#deps.db.listen(channel, take, () => undefined);
    };
    const both = async (): Promise<void> => {
      await listen(channels.wanted, (taskId) => this.#note(taskId));
      await listen(channels.shown, (payload) => this.#show(payload));
    };
    both().catch((error: unknown) => {
      this.#isListening = false;
      this.#deps.log.warn({ err: error }, "previews.not_listening");
    });
  }

  /** Whoever may write to the database may notify: what is no preview of ours is shown to nobody. */
  #show(payload: string): void {
    const [taskId, step, stepTotal, image] = payloadSchema.parse(JSON.parse(payload));
    for (const onPreview of this.#followers.get(taskId) ?? []) onPreview({ step, stepTotal, image });
  }

  #stopAsking(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
