// The S3 store against the server that the environment names; `.ci/swift.sh` brings one up.

import { randomBytes } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { readConfig } from "../../packages/server/src/config.ts";
import { startTestPostgres } from "../../packages/server/src/db/test-database.ts";
import { openS3Sender, readText } from "../../packages/server/src/files/s3/s3-request.ts";
import type { FileStore } from "../../packages/server/src/files/file-store.ts";
import { checkS3, openS3Store } from "../../packages/server/src/files/s3/s3-store.ts";
import { readElement } from "../../packages/server/src/files/s3/s3-xml.ts";
import { limits } from "../../packages/server/src/limits.ts";
import { contentOf } from "../backup/same-backup.ts";
import { CrashServer } from "../crash/crash-server.ts";
import { atelier, ServerProcess } from "../lifecycle/server-process.ts";
import { exerciseUploadsToServers } from "../task-source/exercise-uploads.ts";
import { exerciseFileStore } from "./exercise-file-store.ts";
import { allEnded } from "./fleet.ts";

// Read as the server reads it. Without an S3 server this throws: the lane never passes by testing nothing.
const { s3 } = readConfig({}, process.env);
if (!s3) throw new Error("no S3 server: run this through .ci/swift.sh, or set the S3_ variables");

exerciseFileStore("on an S3 server", () => Promise.resolve(openS3Store(s3)), { bytes: 2 * limits.s3PartBytes + 12_345 });

describe("remote workers whose servers keep files there", () => {
  let stopPostgres: () => Promise<void>;
  beforeAll(async () => {
    stopPostgres = await startTestPostgres();
  });
  afterAll(() => stopPostgres());
  exerciseUploadsToServers("on an S3 server", () => openS3Store(s3));
});

describe("the S3 server", () => {
  it.each([
    ["a wrong secret", { secretAccessKey: "wrong" }, "FILE_STORE_REFUSED"],
    ["an unknown key", { accessKeyId: "test:nobody" }, "FILE_STORE_REFUSED"],
    ["a bucket that is not there", { bucket: "no-such-bucket" }, "FILE_STORE_REFUSED"],
  ])("%s is refused at start, and the words hold no secret", async (_name, wrong, code) => {
    const failure = await checkS3({ ...s3, ...wrong }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code });
    expect(String(failure)).not.toContain(s3.secretAccessKey);
    const put = openS3Store({ ...s3, ...wrong }).put("aaaa/0.png", Readable.from([Buffer.from("x")]));
    await expect(put).rejects.toMatchObject({ name: "S3Error" });
  });

  it("takes a file whose pieces end exactly at a part", async () => {
    const files = openS3Store(s3);
    const key = `${randomBytes(8).toString("hex")}/0.bin`;
    for (const sizeBytes of [limits.s3PartBytes, 2 * limits.s3PartBytes]) {
      expect(await files.put(key, Readable.from([randomBytes(sizeBytes)]))).toEqual({ sizeBytes });
      const opened = await files.open(key);
      opened?.stream.destroy();
      expect(opened?.sizeBytes).toBe(sizeBytes);
    }
    await files.remove(key);
  });

  it("forgets the parts of an upload whose process died, once they are old enough", async () => {
    const send = openS3Sender(s3);
    const key = `${randomBytes(8).toString("hex")}/0.bin`;
    const begun = await readText(await send({ method: "POST", key, query: { uploads: "" } }));
    const query = { partNumber: "1", uploadId: readElement(begun, "UploadId") };
    await (await send({ method: "PUT", key, query, body: randomBytes(5 * 1024 * 1024) })).body.dump();
    const files = openS3Store(s3);
    expect(await files.removeUnfinished(new Date(Date.now() - 3_600_000))).toBe(0);
    expect(await files.removeUnfinished(new Date(Date.now() + 3_600_000))).toBe(1);
    const open = await readText(await send({ method: "GET", key: "", query: { uploads: "" } }));
    expect(open).not.toContain(key);
  });
});

describe("a server with its files on S3", () => {
  let dataDir: string;
  const launched: ServerProcess[] = [];
  const s3Env = {
    S3_ENDPOINT: s3.endpoint,
    S3_BUCKET: s3.bucket,
    S3_REGION: s3.region,
    S3_ACCESS_KEY_ID: s3.accessKeyId,
    S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
  };
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "atelier-s3-"));
    await mkdir(join(dataDir, "models"));
    await copyFile(join(import.meta.dirname, "../crash/fake-model.json"), join(dataDir, "models/fake.json"));
  });
  afterAll(async () => {
    for (const server of launched) {
      server.kill("SIGTERM");
      await server.exit();
    }
    await rm(dataDir, { recursive: true, force: true });
  });

  it("stores the pictures of a run there and serves them from there", async () => {
    const server = new ServerProcess({ dataDir, env: { ...s3Env, ATELIER_FAKE_ENGINE: "1" } });
    launched.push(server);
    await server.ready();
    // Other tests of this file leave theirs.
    const before = await storedPictures(openS3Store(s3));
    const ran = await atelier(["run", "test/fake", "prompt=x", "--data", dataDir, "--output", dataDir, "--json"]);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect((await storedPictures(openS3Store(s3))).filter((key) => !before.includes(key))).toHaveLength(1);
    expect(await readdir(join(dataDir, "files"))).toEqual([]);
  });

  it("gives its pictures to a backup, and takes those of one, byte by byte", async () => {
    const folder = await mkdtemp(join(tmpdir(), "atelier-s3-backup-"));
    const at = (name: string): string => join(folder, name);
    try {
      const server = await CrashServer.create(at("disk"));
      await server.start();
      for (let count = 0; count < 3; count += 1) await server.call("/Run/test/fake", { prompt: `picture ${count}`, samples: 2 });
      const db = await server.openDatabase();
      await allEnded(db);
      await db.close();
      await server.stop();
      expect(await atelier(["backup", at("first"), "--data", at("disk")])).toMatchObject({ code: 0 });
      expect(await atelier(["restore", at("first"), "--data", at("restored")], s3Env)).toMatchObject({ code: 0 });
      expect(await readdir(at("restored/files"))).toEqual([]);
      expect(await atelier(["backup", at("second"), "--data", at("restored")], s3Env)).toMatchObject({ code: 0 });
      const [first, second] = [await contentOf(at("first")), await contentOf(at("second"))];
      expect(second).toEqual(first);
      expect(first.files.count).toBe(6);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("does not start with a wrong secret, and says what to do", async () => {
    const env = { ...s3Env, S3_SECRET_ACCESS_KEY: "wrong" };
    const other = await mkdtemp(join(tmpdir(), "atelier-s3-"));
    const refused = await atelier(["serve", "--port", "0", "--data", other], env);
    await rm(other, { recursive: true, force: true });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("S3_SECRET_ACCESS_KEY");
  });
});

/** Keys of the pictures of runs in the bucket. */
async function storedPictures(files: FileStore): Promise<string[]> {
  const stored: string[] = [];
  for await (const page of files.list()) stored.push(...page.map((file) => file.key));
  return stored.filter((key) => /^([0-9a-f]{8}-){7}[0-9a-f]{8}\/0\.png$/.test(key));
}
