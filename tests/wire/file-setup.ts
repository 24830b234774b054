// A server that listens, with a worker that really runs the models on files, and a host elsewhere that has pictures.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

import { engineCommands } from "../../packages/server/src/engines/engine-commands.ts";
import { openEnginePool } from "../../packages/server/src/engines/engine-pool.ts";
import { openOutbound } from "../../packages/server/src/outbound/outbound.ts";
import { plainPicture, postForm } from "../../packages/server/src/http/test-form.ts";
import type { TestPart } from "../../packages/server/src/http/test-form.ts";
import { startTestServer } from "../../packages/server/src/http/test-server.ts";
import type { TestServer } from "../../packages/server/src/http/test-server.ts";
import type { CreatedProject } from "../../packages/server/src/projects/create-project.ts";
import { openClaimLine } from "../../packages/server/src/tasks/claim-line.ts";
import { openKillFeed } from "../../packages/server/src/tasks/kill-feed.ts";
import { openLocalTaskSource } from "../../packages/server/src/tasks/local-task-source.ts";
import { openReportLine } from "../../packages/server/src/tasks/report-line.ts";
import { startWorker } from "../../packages/server/src/worker/worker.ts";

const root = join(import.meta.dirname, "../..");

export interface EndedTask {
  [field: string]: unknown;
  id: string;
  pexit: string;
  debugerror: string;
  parameters: Record<string, unknown>;
  outputs: { name: string; url: string; contenttype: string; accesskey: string }[];
}

export interface FileSetup {
  readonly server: TestServer;
  readonly url: string;
  /** Address of a picture elsewhere; `/wide.png` is 60 × 20, `/tall.jpg` 20 × 60, `/page` is HTML. */
  readonly elsewhere: string;
  /** Paths that were asked for elsewhere. */
  readonly asked: string[];
  /** Runs a model and gives its ended task. Throws the server's message when the run is refused. */
  run(model: string, body: object | readonly TestPart[], as?: CreatedProject): Promise<EndedTask>;
  upload(bytes: Buffer, name: string, as?: CreatedProject): Promise<{ id: string; url: string }>;
  bytesOf(url: string): Promise<Buffer>;
  /** Files in the folders of uploads and runs. The empty folder of a run waits for the next one. */
  temporary(): Promise<string[]>;
  stop(): Promise<void>;
}

export async function startFileServer(): Promise<FileSetup> {
  let url = "";
  const server = await startTestServer({ publicUrl: () => url });
  await server.app.listen({ host: "127.0.0.1", port: 0 });
  url = addressOf(server.app.server);
  const { db, files, context } = server;
  const asked: string[] = [];
  const host = await startHost(asked);
  const log = context.log;
  const [claims, kills] = [await openClaimLine({ db }), await openKillFeed({ db })];
  const runFolder = join(server.folder, "runs");
  await mkdir(runFolder);
  const listModels = () => context.models.list();
  const worker = startWorker({
    source: openLocalTaskSource({ db, files, claims, kills, reports: openReportLine({ db }), listModels }, randomUUID()),
    // The other models' tasks wait: nothing is drawn here.
    engines: openEnginePool(engineCommands({ rootFolder: root, fake: false }).filter(({ name }) => name === "image"), { threads: 1 }),
    folders: { modelFolders: [join(root, "models")] },
    outbound: openOutbound({ allow: ["127.0.0.1"] }),
    tempFolder: runFolder,
    log,
    slots: 1,
  });
  return {
    server,
    url,
    elsewhere: addressOf(host),
    asked,
    async run(model, body, as) {
      const path = `/v1/Run/${model}/sync`;
      const response = await (Array.isArray(body) ? postForm(server, path, body as TestPart[], as) : server.post(path, body, as));
      const answer = response.json<{ result: boolean; tasklist: [EndedTask]; errors: { message: string }[] }>();
      if (!answer.result) throw new Error(answer.errors[0]?.message);
      return answer.tasklist[0];
    },
    async upload(bytes, name, as) {
      const answer = (await postForm(server, "/v1/File/Upload", [["file", bytes, name]], as)).json<{ list: [{ id: string; url: string }] }>();
      return answer.list[0];
    },
    bytesOf: async (address) => Buffer.from(await (await fetch(address)).arrayBuffer()),
    temporary: async () => [...(await filesIn(join(server.folder, "tmp"))), ...(await filesIn(runFolder))],
    async stop() {
      await worker.drain();
      claims.close();
      kills.close();
      host.closeAllConnections();
      host.close();
      await server.stop();
    },
  };
}

async function startHost(asked: string[]): Promise<Server> {
  const bodies: Record<string, Buffer> = {
    "/wide.png": await plainPicture(60, 20),
    "/tall.jpg": await plainPicture(20, 60, { type: "jpeg", colour: "#2040a0" }),
    "/page": Buffer.from("<!doctype html><p>no picture</p>"),
  };
  const host = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://x").pathname;
    asked.push(path);
    const body = bodies[path];
    // The label lies: the bytes decide.
    response.writeHead(body ? 200 : 404, { "content-type": "text/plain" }).end(body);
  });
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
  return host;
}

function addressOf(listening: { address(): AddressInfo | string | null }): string {
  // A listening TCP server has an address with a port.
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}
