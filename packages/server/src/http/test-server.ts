// A server without a socket for tests: real database, real projects, real files, the shipped models.

import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { FastifyInstance, LightMyRequestResponse } from "fastify";

import { createTestDatabase } from "../db/test-database.ts";
import type { TestDatabase } from "../db/test-database.ts";
import { openEventFeed } from "../events/event-feed.ts";
import { openDiskStore } from "../files/disk-store.ts";
import type { FileStore } from "../files/file-store.ts";
import { withThumbnails } from "../files/thumbnails.ts";
import { openLog } from "../log.ts";
import { loadModels } from "../models/registry.ts";
import { openOutbound } from "../outbound/outbound.ts";
import { createProject } from "../projects/create-project.ts";
import type { CreatedProject } from "../projects/create-project.ts";
import { openProjectDoor } from "../projects/project-door.ts";
import { sign } from "./authenticate.ts";
import type { RouteContext } from "./http-deps.ts";
import { checkReplies } from "./openapi/check-replies.ts";
import { buildServer } from "./server.ts";
import { openAccess } from "./visit.ts";

export interface TestServer {
  readonly app: FastifyInstance;
  readonly context: RouteContext;
  readonly db: TestDatabase["db"];
  readonly files: FileStore;
  /** Two signature projects and one key-only project. */
  readonly mine: CreatedProject;
  readonly other: CreatedProject;
  readonly keyOnly: CreatedProject;
  readonly folder: string;
  /** For a second pool on the same database. */
  readonly address: TestDatabase["address"];
  /** What seals the secrets. */
  readonly masterKey: Buffer;
  /** What the server logged, one JSON object each. */
  readonly logged: Record<string, unknown>[];
  /** Posts a JSON body, signed for `as` (default: `mine`). */
  post(url: string, body: object, as?: CreatedProject): Promise<LightMyRequestResponse>;
  /** Throws when a reply was not as `/openapi.json` says. */
  stop(): Promise<void>;
}

export const publicUrl = "https://pictures.example";

export async function startTestServer(changes: Partial<RouteContext> = {}): Promise<TestServer> {
  const test = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), "atelier-http-"));
  await mkdir(join(folder, "tmp"));
  const files = withThumbnails(openDiskStore(join(folder, "files")));
  const masterKey = randomBytes(32);
  const deps = { db: test.db, masterKey };
  const logged: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) };
  const context: RouteContext = {
    db: test.db,
    models: await loadModels([join(import.meta.dirname, "../../../../models")]),
    files,
    tempFolder: join(folder, "tmp"),
    events: openEventFeed({ db: test.db, log: openLog({ level: "silent", pretty: false }) }),
    projects: openProjectDoor(deps),
    access: openAccess,
    outbound: openOutbound({ allow: ["127.0.0.1"] }),
    installation: { dir: join(import.meta.dirname, "../../../.."), version: "0.0.0" },
    log: openLog({ level: "info", pretty: false, destination }),
    isReady: async () => true,
      hasRoom: async () => true,
    publicUrl: () => publicUrl,
    ...changes,
  };
  const app = buildServer(context);
  const wrongReplies = checkReplies(app);
  const mine = await createProject(deps, { name: "mine", auth: "signature" });
  const other = await createProject(deps, { name: "other", auth: "signature" });
  const keyOnly = await createProject(deps, { name: "key only", auth: "key" });
  return {
    app,
    context,
    db: test.db,
    files,
    mine,
    other,
    keyOnly,
    folder,
    address: test.address,
    masterKey,
    logged,
    post: (url, body, as = mine) =>
      app.inject({ method: "POST", url, headers: signedHeaders(as), payload: JSON.stringify(body) }),
    async stop() {
      await app.close();
      context.events.stop();
      await test.drop();
      await rm(folder, { recursive: true, force: true });
      if (wrongReplies.length > 0) throw new Error(`replies differ from /openapi.json:\n${wrongReplies.slice(0, 5).join("\n")}`);
    },
  };
}

/** The three headers of a project, signed with a nonce that is used again and again, as real clients do. */
export function signedHeaders(project: CreatedProject, nonce = "1734513807"): Record<string, string> {
  if (project.apisecret === null) return { "x-api-key": project.apikey };
  const signature = sign({ apiKey: project.apikey, apiSecret: project.apisecret, nonce });
  return { "x-api-key": project.apikey, "x-nonce": nonce, "x-signature": signature };
}
