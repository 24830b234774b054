// Several real servers on one database, as several machines would be: a data folder each, one master key.

import { randomBytes } from "node:crypto";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { openDatabase } from "../../packages/server/src/db/database.ts";
import type { Database } from "../../packages/server/src/db/database.ts";
import { openLog } from "../../packages/server/src/log.ts";
import type { Envelope } from "../crash/crash-server.ts";
import { atelier, ServerProcess } from "../lifecycle/server-process.ts";
import { seededRandom } from "../simulation/random.ts";

const bin = join(import.meta.dirname, "../../bin/atelier.mjs");

export class Fleet {
  readonly servers: ServerProcess[] = [];
  readonly #urls: string[] = [];
  readonly #env: Readonly<Record<string, string>>;
  readonly #databaseUrl: string;
  readonly #folder: string;
  #apiKey = "";

  private constructor(folder: string, databaseUrl: string) {
    this.#folder = folder;
    this.#databaseUrl = databaseUrl;
    this.#env = {
      DATABASE_URL: databaseUrl,
      ATELIER_MASTER_KEY: randomBytes(32).toString("hex"),
      ATELIER_FAKE_ENGINE: "1",
      ATELIER_LOG_LEVEL: "info",
      ATELIER_KEY_REQUESTS_PER_MINUTE: "0",
    };
  }

  /** Starts `size` servers at the same moment and resolves when all are ready. */
  static async start(databaseUrl: string, size: number): Promise<Fleet> {
    const fleet = new Fleet(await mkdtemp(join(tmpdir(), "atelier-fleet-")), databaseUrl);
    for (let at = 0; at < size; at += 1) {
      await mkdir(join(fleet.#dataDir(at), "models"), { recursive: true });
      await copyFile(join(import.meta.dirname, "../crash/fake-model.json"), join(fleet.#dataDir(at), "models/fake.json"));
    }
    for (let at = 0; at < size; at += 1) fleet.#launch(at);
    for (const server of fleet.servers) fleet.#urls.push(await server.ready());
    const created = await fleet.atelier(["project", "create", "fleet", "--auth", "key", "--json"]);
    // The command's documented answer.
    fleet.#apiKey = (JSON.parse(created.stdout) as { apikey: string }).apikey;
    return fleet;
  }

  get size(): number {
    return this.servers.length;
  }

  /** A command on the first server's data folder. */
  atelier(args: readonly string[]): ReturnType<typeof atelier> {
    return atelier([...args, "--data", this.#dataDir(0)], this.#env);
  }

  urlOf(server: number): string {
    return this.#urls[server % this.size] ?? "";
  }

  /** POSTs to the wire of one server; throws when it is away. */
  async call(server: number, path: string, body: object): Promise<Envelope> {
    const response = await fetch(`${this.urlOf(server)}/v1${path}`, {
      method: "POST",
      headers: { "x-api-key": this.#apiKey, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    // The wire's answers are JSON objects with `result`.
    return (await response.json()) as Envelope;
  }

  /** Submits, cancels and kills steadily on all servers in turn; failures of a database that is away are part of it. */
  startLoad(seed: number): { readonly acknowledged: readonly string[]; more(count: number): Promise<void>; stop(): Promise<string[]> } {
    const random = seededRandom(seed);
    const acknowledged: string[] = [];
    let stopped = false;
    const loop = async (): Promise<void> => {
      for (let turn = 0; !stopped; turn += 1) {
        await delay(40);
        try {
          const answer = await this.call(turn, "/Run/test/fake", { prompt: `stepMs=${random.below(40)}`, samples: 1 + random.below(2) });
          if (answer.result) acknowledged.push(String(answer["taskid"]));
          const taskid = random.pick(acknowledged);
          if (taskid && random.chance(0.1)) await this.call(turn + 1, random.chance(0.5) ? "/Task/Kill" : "/Task/Cancel", { taskid });
        } catch {
          // Not acknowledged: it may or may not exist.
        }
      }
    };
    const running = [loop(), loop(), loop()];
    return {
      acknowledged,
      async more(count) {
        const wanted = acknowledged.length + count;
        while (acknowledged.length < wanted) await delay(20);
      },
      async stop() {
        stopped = true;
        await Promise.all(running);
        return acknowledged;
      },
    };
  }

  openDatabase(): Database {
    return openDatabase({ log: openLog({ level: "silent", pretty: false }) }, { connectionString: this.#databaseUrl });
  }

  /** Stops every server that still runs, cleanly; returns their exit codes. */
  async stop(): Promise<(number | string | null)[]> {
    for (const server of this.servers) server.kill("SIGTERM");
    const codes = await Promise.all(this.servers.map((server) => server.exit()));
    await rm(this.#folder, { recursive: true, force: true });
    return codes;
  }

  #launch(at: number): void {
    const dataDir = this.#dataDir(at);
    // Not through `npm start`: everything is built, and several builds at once would fight.
    const command = [process.execPath, bin, "serve", "--port", "0", "--data", dataDir];
    this.servers.push(new ServerProcess({ dataDir, command, env: this.#env }));
  }

  #dataDir(at: number): string {
    return join(this.#folder, `server-${at}`);
  }
}

/** Resolves when no task waits or runs. */
export async function allEnded(db: Database): Promise<void> {
  const open = `select count(*) as open from tasks where status not in ('task_postprocess_end', 'task_cancel')`;
  while ((await db.query<{ open: string }>(open)).rows[0]?.open !== "0") await delay(100);
}
