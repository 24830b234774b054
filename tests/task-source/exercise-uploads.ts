// Uploads of remote workers that go to several servers in turn, on any file store that the servers share.

import { randomBytes, randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { FileStore } from "../../packages/server/src/files/file-store.ts";
import { limits } from "../../packages/server/src/limits.ts";
import { createWorkerToken } from "../../packages/server/src/projects/worker-tokens.ts";
import type { AssignedTask, TaskSource } from "../../packages/server/src/tasks/task-source.ts";
import { openHttpTaskSource } from "../../packages/server/src/worker/http-source/http-task-source.ts";
import { openLoadBalancer } from "./load-balancer.ts";
import { openTaskWorld, testModel } from "./task-world.ts";
import type { TaskWorld } from "./task-world.ts";
import { serveWorkers } from "./worker-server.ts";
import type { WorkerServer } from "./worker-server.ts";

const never = new AbortController().signal;
const piece = limits.uploadPieceBytes;

export async function openSource(world: TaskWorld, url: string): Promise<TaskSource> {
  const { token } = await createWorkerToken(world, `token-${randomUUID()}`);
  const source = openHttpTaskSource({ url, token, workerId: randomUUID(), onRefused: () => undefined });
  world.onClose(() => source.close());
  return source;
}

/** Claimed, and reported up to its last step but one. */
export async function drawnTask(world: TaskWorld, source: TaskSource): Promise<AssignedTask> {
  await world.run();
  const [task] = await source.claim({ models: [testModel], free: 1, held: [] }, never);
  if (!task) throw new Error("nothing was claimed");
  const statuses = ["task_preprocess_start", "task_preprocess_end", "task_assign", "task_start", "task_output_full", "task_end", "task_postprocess_start"] as const;
  expect(await source.report(task, statuses.map((status) => ({ status })))).toBe(true);
  return task;
}

/** Where the pieces began that a server has taken. */
export function offsetsOf({ answered }: WorkerServer): (string | undefined)[] {
  return answered.filter(({ method, status }) => method === "PUT" && status === 200).map(({ offset }) => offset);
}

/** `openFiles`: the store of all servers. Default: the world's own, on a disk. */
export function exerciseUploadsToServers(where: string, openFiles?: () => FileStore): void {
  describe(`uploads to several servers, ${where}`, () => {
    let world: TaskWorld;
    /** Two whole pieces and a part of one. */
    const picture = randomBytes(2 * piece + 12_345);
    beforeEach(async () => {
      const own = await openTaskWorld();
      world = openFiles ? { ...own, files: openFiles() } : own;
    });
    afterEach(() => world.close());

    async function expectDrawn(source: TaskSource, task: AssignedTask): Promise<void> {
      const path = join(world.folder, "picture.png");
      await writeFile(path, picture);
      expect(await source.finish(task, { outputs: [{ index: 0, path, contentType: "image/png" }], debugOutput: "", provenance: {} })).toBe(true);
      const ended = await world.task(task.taskId);
      expect(ended).toMatchObject({ pexit: "0", outputs: [{ sizeBytes: picture.length }] });
      const opened = await world.files.open(ended?.outputs[0]?.fileKey ?? "");
      expect(opened && (await buffer(opened.stream)).equals(picture)).toBe(true);
      // Nothing of the pieces is left.
      const stored: string[] = [];
      for await (const page of world.files.list()) stored.push(...page.map(({ key }) => key));
      expect(stored.filter((key) => key.endsWith("/piece"))).toEqual([]);
    }

    test("pieces that a balancer gives to two servers in turn make one output", async () => {
      const servers = [await serveWorkers(world, "one"), await serveWorkers(world, "two")] as const;
      const balancer = await openLoadBalancer(servers.map(({ url }) => url));
      world.onClose(() => balancer.close());
      const source = await openSource(world, balancer.url);
      await expectDrawn(source, await drawnTask(world, source));
      expect(servers.map((server) => offsetsOf(server).length).toSorted()).toEqual([1, 2]);
    });

    test("an upload that was begun on a server which is gone ends on another one", async () => {
      const [first, second] = [await serveWorkers(world, "one"), await serveWorkers(world, "two")];
      const balancer = await openLoadBalancer([first.url]);
      world.onClose(() => balancer.close());
      const source = await openSource(world, balancer.url);
      const task = await drawnTask(world, source);
      first.onRequest = ({ offset }) => {
        if (offset !== String(piece)) return;
        balancer.targets = [second.url];
        void first.close();
      };
      await expectDrawn(source, task);
      expect(offsetsOf(first)).toEqual(["0"]);
      expect(offsetsOf(second)).toEqual([String(piece), String(2 * piece)]);
    });
  });
}
