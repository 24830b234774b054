import { afterEach, describe, expect, it, vi } from "vitest";

import { seededRandom } from "../../../../tests/simulation/random.ts";
import type { SeededRandom } from "../../../../tests/simulation/random.ts";
import type { Database } from "../db/database.ts";
import { killLeasedTask } from "../db/queries/endings.ts";
import { claimTask } from "../db/queries/leases.ts";
import { moveTask } from "../db/queries/moves.ts";
import { insertProject, insertTask } from "../db/test-task.ts";
import { createTestDatabase, databaseWith } from "../db/test-database.ts";
import { limits } from "../limits.ts";
import { openLog } from "../log.ts";
import { openEventFeed } from "./event-feed.ts";
import type { EventFeed } from "./event-feed.ts";
import type { EndReason, Following } from "./following.ts";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** `around`: puts something between the feed and the database. */
async function setup(around: (db: Database) => Partial<Database> = () => ({})) {
  const { db, drop } = await createTestDatabase();
  cleanups.push(drop);
  const projectId = await insertProject(db);
  const feed = openEventFeed({ db: databaseWith(db, around(db)), log: openLog({ level: "silent", pretty: false }) });
  cleanups.push(() => feed.stop());
  let tokens = 0;
  /** A task that a worker has started: three events. */
  const startTask = async (): Promise<WrittenTask> => {
    tokens += 1;
    const id = await insertTask(db, {
      projectId,
      token: `token${tokens}`,
      model: "test/fake",
      modelId: "1",
      parameters: {},
      input: {},
      callbackUrl: "",
      cps: "0",
      outputFolderId: "f",
    });
    const workerId = `worker of ${id}`;
    await claimTask(db, { workerId, models: ["test/fake"], leaseMs: 600_000 });
    const fence = { taskId: id, attempt: 1, workerId };
    await moveTask(db, fence, { to: "task_assign" });
    await moveTask(db, fence, { to: "task_start" });
    return {
      id,
      append: async (step = 0) => void (await moveTask(db, fence, { to: "task_output", data: { step } })),
      end: async () => void (await killLeasedTask(db, id)),
    };
  };
  return { db, feed, startTask };
}

interface WrittenTask {
  readonly id: string;
  append(step?: number): Promise<void>;
  end(): Promise<void>;
}

/** A follower that keeps what it gets; `until` resolves when that many events have come. */
function collect(feed: EventFeed, taskId: string, afterSeq = 0) {
  const seqs: number[] = [];
  const types: string[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  let following: Following | undefined;
  const end = new Promise<EndReason>((resolve) => {
    following = feed.follow(
      { taskId, afterSeq },
      {
        onEvent: ({ seq, type }) => {
          seqs.push(seq);
          types.push(type);
          for (const { count, resolve: reached } of waiting) if (seqs.length >= count) reached();
        },
        onEnd: resolve,
      },
    );
  });
  const until = (count: number): Promise<void> =>
    new Promise((resolve) => (seqs.length >= count ? resolve() : waiting.push({ count, resolve })));
  if (!following) throw new Error("a promise runs its function at once");
  return { seqs, types, until, end, following };
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

const cutListener = (db: Database): Promise<unknown> =>
  db.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'atelier-listen' and datname = current_database()`,
  );

describe("event feed", () => {
  it("replays what the table has, follows what is added, and ends with the task", async () => {
    const { feed, startTask } = await setup();
    const task = await startTask();
    const follower = collect(feed, task.id);
    await follower.until(4);
    await task.append();
    await follower.until(5);
    await task.end();
    expect(await follower.end).toBe("ended");
    expect(follower.seqs).toEqual(numbers(1, 6));
    expect(follower.types).toEqual(["task_queue", "task_accept", "task_assign", "task_start", "task_output", "task_cancel"]);
  });

  it("starts after the given event, and ends at once where nothing follows", async () => {
    const { feed, startTask } = await setup();
    const task = await startTask();
    await task.end();
    const [some, none, beyond] = [2, 5, 99].map((afterSeq) => collect(feed, task.id, afterSeq));
    expect(await Promise.all([some?.end, none?.end, beyond?.end])).toEqual(["ended", "ended", "ended"]);
    expect([some?.seqs, none?.seqs, beyond?.seqs]).toEqual([[3, 4, 5], [], []]);
  });

  it("tells the follower of a task that is not there", async () => {
    const { feed } = await setup();
    expect(await collect(feed, "999999").end).toBe("gone");
  });

  it("brings more events than one look takes", async () => {
    const { db, feed, startTask } = await setup();
    const task = await startTask();
    await db.query(
      `insert into task_events (task_id, seq, attempt, type) select $1, n, 1, 'task_output' from generate_series(5, 350) n`,
      [task.id],
    );
    await db.query("update tasks set last_event_seq = 350 where id = $1", [task.id]);
    await task.end();
    const follower = collect(feed, task.id);
    expect(await follower.end).toBe("ended");
    expect(follower.seqs).toEqual(numbers(1, 351));
  });

  it("gives a follower that comes while the table is read the older events first", async () => {
    let gate = Promise.resolve();
    let onQuery = (): void => undefined;
    const { feed, startTask } = await setup((db) => ({
      query: async (text: string, values?: unknown[]) => {
        const open = gate;
        onQuery();
        await open;
        return db.query(text, values);
      },
    }));
    const task = await startTask();
    const early = collect(feed, task.id);
    await early.until(4);
    let openGate = (): void => undefined;
    gate = new Promise((resolve) => (openGate = resolve));
    const reading = new Promise<void>((resolve) => (onQuery = resolve));
    await task.append();
    await reading;
    const late = collect(feed, task.id);
    openGate();
    gate = Promise.resolve();
    await Promise.all([early.until(5), late.until(5)]);
    expect([early.seqs, late.seqs]).toEqual([numbers(1, 5), numbers(1, 5)]);
  });

  it("leaves the events of a paused follower in the table, and goes on after the last one it took", async () => {
    const { feed, startTask } = await setup();
    const task = await startTask();
    const paused = collect(feed, task.id);
    const other = collect(feed, task.id);
    await Promise.all([paused.until(4), other.until(4)]);
    paused.following.pause();
    await task.append();
    await task.end();
    expect(await other.end).toBe("ended");
    expect(paused.seqs).toEqual(numbers(1, 4));
    paused.following.resume();
    expect(await paused.end).toBe("ended");
    expect(paused.seqs).toEqual(numbers(1, 6));
  });

  it("gives a stopped follower nothing more, and the others everything", async () => {
    const { feed, startTask } = await setup();
    const task = await startTask();
    const stopped = collect(feed, task.id);
    const other = collect(feed, task.id);
    await Promise.all([stopped.until(4), other.until(4)]);
    stopped.following.stop();
    await task.end();
    await other.end;
    expect([stopped.seqs, other.seqs]).toEqual([numbers(1, 4), numbers(1, 5)]);
  });

  it("obeys a follower that pauses or stops while it is being given events", async () => {
    const { feed, startTask } = await setup();
    const task = await startTask();
    await task.end();
    const seen = { paused: [] as (number | string)[], stopped: [] as number[] };
    const pausing: Following = feed.follow(
      { taskId: task.id, afterSeq: 0 },
      { onEvent: ({ seq }) => (seen.paused.push(seq), pausing.pause()), onEnd: (reason) => seen.paused.push(reason) },
    );
    const stopping: Following = feed.follow(
      { taskId: task.id, afterSeq: 0 },
      { onEvent: ({ seq }) => (seen.stopped.push(seq), stopping.stop()) },
    );
    await collect(feed, task.id).end;
    pausing.resume();
    await feed.runOnce();
    expect(seen).toEqual({ paused: [1, 2], stopped: [1] });
  });

  it("ends a follower that throws, and only that one", async () => {
    const { feed, startTask } = await setup();
    const task = await startTask();
    const failed = new Promise((resolve) => {
      const onEvent = (): never => {
        throw new Error("on purpose");
      };
      feed.follow({ taskId: task.id, afterSeq: 0 }, { onEvent, onEnd: resolve });
    });
    const other = collect(feed, task.id);
    expect(await failed).toBe("failed");
    await task.end();
    expect(await other.end).toBe("ended");
  });

  it("ends every follower when it is stopped", async () => {
    const { feed, startTask } = await setup();
    const follower = collect(feed, (await startTask()).id);
    await follower.until(4);
    feed.stop();
    expect(await follower.end).toBe("stopped");
  });

  describe("when notifications are lost", () => {
    /** Stops the feed's own timer, so that only what the test does can bring an event. */
    function stopTimer(): void {
      vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
      cleanups.push(() => void vi.useRealTimers());
    }

    async function missedEvent() {
      stopTimer();
      let listening: Promise<unknown> | undefined;
      const parts = await setup((db) => ({
        listen: (channel, _onNotification, onReconnect) => {
          const subscription = db.listen(channel, () => undefined, onReconnect);
          listening = subscription;
          return subscription;
        },
      }));
      const task = await parts.startTask();
      const follower = collect(parts.feed, task.id);
      await listening;
      await parts.feed.runOnce();
      await task.append();
      expect(follower.seqs).toEqual(numbers(1, 4));
      return { ...parts, follower };
    }

    it("the next connection finds the event", async () => {
      const { db, follower } = await missedEvent();
      await cutListener(db);
      await follower.until(5);
    });

    it("the periodic look finds the event", async () => {
      const { follower } = await missedEvent();
      vi.advanceTimersByTime(limits.eventRescanMs);
      await follower.until(5);
    });

    it("the subscription, once it stands, finds what was added before", async () => {
      stopTimer();
      let listen = (): void => undefined;
      const mayListen = new Promise<void>((resolve) => (listen = resolve));
      const { feed, startTask } = await setup((db) => ({
        listen: (...call) => mayListen.then(() => db.listen(...call)),
      }));
      const task = await startTask();
      const follower = collect(feed, task.id);
      await follower.until(4);
      await task.append();
      expect(follower.seqs).toEqual(numbers(1, 4));
      listen();
      await follower.until(5);
    });
  });

  it("loses and repeats nothing while its connection is cut again and again", { timeout: 60_000 }, async () => {
    const { db, feed, startTask } = await setup();
    const seed = Number(process.env["ATELIER_EVENTS_SEED"] ?? Date.now() % 1_000_000);
    const random = seededRandom(seed);
    const tasks: WrittenTask[] = [];
    for (let count = 0; count < 40; count += 1) tasks.push(await startTask());
    const lengths = tasks.map(() => 5 + random.below(30));
    const followers: { afterSeq: number; last: number; follower: ReturnType<typeof collect> }[] = [];
    const write = async (task: WrittenTask, length: number): Promise<void> => {
      for (let step = 1; step <= length; step += 1) {
        if (random.chance(0.15)) {
          const afterSeq = random.below(8);
          followers.push({ afterSeq, last: 4 + length + 1, follower: collect(feed, task.id, afterSeq) });
        }
        if (random.chance(0.05)) await cutListener(db);
        pauseSome(random, followers.map(({ follower }) => follower.following));
        await task.append(step);
      }
      await task.end();
      followers.push({ afterSeq: 0, last: 4 + length + 1, follower: collect(feed, task.id) });
    };
    await Promise.all(tasks.map((task, at) => write(task, lengths[at] ?? 0)));
    for (const { follower } of followers) follower.following.resume();
    for (const { afterSeq, last, follower } of followers) {
      expect(await follower.end, `seed ${seed}`).toBe("ended");
      expect(follower.seqs, `seed ${seed}`).toEqual(numbers(afterSeq + 1, last));
    }
    expect(followers.length).toBeGreaterThan(tasks.length);
  });
});

function pauseSome(random: SeededRandom, followings: readonly Following[]): void {
  const following = random.pick(followings);
  if (random.chance(0.3)) following?.pause();
  else following?.resume();
}
