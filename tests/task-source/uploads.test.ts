// Outputs of remote workers on their way: broken off, damaged, sent to several servers in turn, begun twice, left behind.

import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import { afterEach, beforeEach, expect, test } from "vitest";

import { limits } from "../../packages/server/src/limits.ts";
import type { AssignedTask, TaskSource } from "../../packages/server/src/tasks/task-source.ts";
import { addPiece, sweepPieces, uploadedBytes, withUploadedOutputs } from "../../packages/server/src/tasks/upload-pieces.ts";
import { FaultyProxy } from "../remote-worker/faulty-proxy.ts";
import { drawnTask, exerciseUploadsToServers, offsetsOf, openSource } from "./exercise-uploads.ts";
import { openTaskWorld } from "./task-world.ts";
import type { TaskWorld } from "./task-world.ts";
import { serveWorkers } from "./worker-server.ts";

const piece = limits.uploadPieceBytes;
/** Two whole pieces and a part of one. */
const picture = randomBytes(2 * piece + 12_345);

let world: TaskWorld;
beforeEach(async () => {
  world = await openTaskWorld();
});
afterEach(() => world.close());

async function finish(source: TaskSource, task: AssignedTask): Promise<boolean> {
  const path = join(world.folder, "picture.png");
  await writeFile(path, picture);
  return source.finish(task, { outputs: [{ index: 0, path, contentType: "image/png" }], debugOutput: "", provenance: {} });
}

async function expectWhole(task: AssignedTask): Promise<void> {
  const ended = await world.task(task.taskId);
  expect(ended).toMatchObject({ pexit: "0", outputs: [{ sizeBytes: picture.length }] });
  const opened = await world.files.open(ended?.outputs[0]?.fileKey ?? "");
  expect(opened && (await buffer(opened.stream)).equals(picture)).toBe(true);
  // Nothing of the pieces is left.
  expect(await world.storedFiles()).toEqual(["0.png"]);
}

test("an upload whose connection breaks goes on behind its last whole piece", async () => {
  const server = await serveWorkers(world);
  const proxy = await FaultyProxy.open(server.url);
  world.onClose(() => proxy.close());
  const source = await openSource(world, proxy.url);
  const task = await drawnTask(world, source);
  const begun: (string | undefined)[] = [];
  server.onRequest = ({ method, offset }) => void (method === "PUT" && begun.push(offset));
  let passed = 0;
  proxy.change = (bytes) => {
    const before = passed;
    passed += bytes.length;
    if (before < 1.5 * piece && passed >= 1.5 * piece) proxy.cut();
    return bytes;
  };
  expect(await finish(source, task)).toBe(true);
  await expectWhole(task);
  expect(begun).toEqual(["0", String(piece), String(piece), String(2 * piece)]);
  expect(offsetsOf(server)).toEqual(["0", String(piece), String(2 * piece)]);
});

test("an output that arrives damaged is refused, removed, and sent again", async () => {
  const server = await serveWorkers(world);
  const proxy = await FaultyProxy.open(server.url);
  world.onClose(() => proxy.close());
  const source = await openSource(world, proxy.url);
  const task = await drawnTask(world, source);
  let isDamaged = false;
  proxy.change = (bytes) => {
    // Heads and messages are shorter.
    if (isDamaged || bytes.length < 20_000) return bytes;
    isDamaged = true;
    const changed = Buffer.from(bytes);
    changed[10_000] = (changed[10_000] ?? 0) ^ 1;
    return changed;
  };
  expect(await finish(source, task)).toBe(true);
  await expectWhole(task);
  expect(server.answered.filter(({ url }) => url.endsWith("/finish")).map(({ status }) => status)).toEqual([422, 200]);
});

exerciseUploadsToServers("on a disk");

/** A leased task, and pieces given to it without HTTP. */
async function leased() {
  const source = await openSource(world, (await serveWorkers(world)).url);
  const task = await drawnTask(world, source);
  const { rows } = await world.db.query<{ workerId: string }>(`select worker_id as "workerId" from tasks where id = $1`, [task.taskId]);
  const fence = { taskId: task.taskId, attempt: task.attempt, workerId: rows[0]?.workerId ?? "" };
  const add = (text: string, offset: number) => addPiece(world, fence, { index: 0, offset, piece: Readable.from([Buffer.from(text)]) });
  const take = (text: string) => {
    const sha256 = createHash("sha256").update(text).digest("hex");
    const outputs = [{ index: 0, extension: ".png", contentType: "image/png", sizeBytes: text.length, sha256 }];
    return withUploadedOutputs({ ...world, scratchFolder: join(world.folder, "scratch") }, { lease: fence, outputs }, async (files) => files.length);
  };
  return { source, fence, add, take };
}

test("a piece counts only where the pieces before it end, and of two at once one counts", async () => {
  const { fence, add } = await leased();
  await expect(add("x", 1)).rejects.toMatchObject({ code: "WORKER_UPLOAD_OFFSET" });
  expect(await add("first", 0)).toBe(5);
  const both = await Promise.allSettled([add("second", 5), add("SECOND", 5)]);
  expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  expect(both.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "WORKER_UPLOAD_OFFSET" } });
  expect(await uploadedBytes(world, fence, 0)).toBe(11);
  expect(await world.storedFiles()).toHaveLength(2);
});

test("a piece of an attempt that was lost while it arrived is not kept", async () => {
  const { fence, add, source } = await leased();
  await source.putBack(fence);
  await expect(add("late", 0)).rejects.toMatchObject({ code: "WORKER_UPLOAD_OFFSET" });
  expect(await world.storedFiles()).toEqual([]);
});

test("an output that is incomplete, too long or not as declared is refused; what is damaged is removed", async () => {
  const { fence, add, take } = await leased();
  await add("four", 0);
  await expect(take("four more")).rejects.toMatchObject({ code: "WORKER_UPLOAD_INCOMPLETE" });
  expect(await uploadedBytes(world, fence, 0)).toBe(4);
  await expect(take("fou")).rejects.toMatchObject({ code: "WORKER_UPLOAD_CHECKSUM" });
  expect(await uploadedBytes(world, fence, 0)).toBe(0);
  await add("rour", 0);
  await expect(take("four")).rejects.toMatchObject({ code: "WORKER_UPLOAD_CHECKSUM" });
  await add("four", 0);
  expect(await take("four")).toBe(1);
});

test("a piece whose bytes are gone, as after a restored backup, is sent again", async () => {
  const { fence, add, take } = await leased();
  await add("four", 0);
  for await (const page of world.files.list()) for (const { key } of page) await world.files.remove(key);
  await expect(take("four")).rejects.toMatchObject({ code: "WORKER_UPLOAD_CHECKSUM" });
  expect(await uploadedBytes(world, fence, 0)).toBe(0);
});

test("the number of pieces and the size of an output are bounded", async () => {
  const { fence, add } = await leased();
  const insert = `insert into upload_pieces (task_id, attempt, output_index, begins_at, size_bytes, piece_key)
                  select $1, $2, $3, at, 1, 'aa/' || at from generate_series(0, $4::int - 1) at`;
  await world.db.query(insert, [fence.taskId, fence.attempt, 0, limits.piecesPerOutput]);
  await expect(add("x", limits.piecesPerOutput)).rejects.toMatchObject({ code: "WORKER_MESSAGE_INVALID" });
  const whole = `insert into upload_pieces (task_id, attempt, output_index, begins_at, size_bytes, piece_key) values ($1, $2, 1, 0, $3, 'aa/whole')`;
  await world.db.query(whole, [fence.taskId, fence.attempt, limits.outputBytes]);
  const beyond = { index: 1, offset: limits.outputBytes, piece: Readable.from([Buffer.from("x")]) };
  await expect(addPiece(world, fence, beyond)).rejects.toMatchObject({ code: "WORKER_UPLOAD_TOO_LARGE" });
  expect(await world.storedFiles()).toEqual([]);
});

test("pieces of an attempt that nobody holds any more are swept, those of a live one stay", async () => {
  const { fence, add, source } = await leased();
  await add("four", 0);
  expect(await sweepPieces(world)).toBe(0);
  await source.fail(fence, { mayRetry: true, debugError: "", debugOutput: "" });
  // Its worker's own goodbye has removed them; a dead one says none.
  expect(await world.storedFiles()).toEqual([]);
  const again = await leased();
  await again.add("four", 0);
  await world.expireLeases();
  await world.rescue();
  expect(await world.storedFiles()).toHaveLength(1);
  expect(await sweepPieces(world)).toBe(1);
  expect(await world.storedFiles()).toEqual([]);
  expect((await world.db.query("select 1 from upload_pieces")).rows).toEqual([]);
});
