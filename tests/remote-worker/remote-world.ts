// A real server without a worker of its own, real worker processes, and their tasks.

import { copyFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openDatabase } from "../../packages/server/src/db/database.ts";
import type { Database } from "../../packages/server/src/db/database.ts";
import { openLog } from "../../packages/server/src/log.ts";
import { embeddedDatabaseName } from "../../packages/server/src/db/start-database.ts";
import { databaseUser } from "../../packages/server/src/db/embedded/cluster.ts";
import { atelier, ServerProcess } from "../lifecycle/server-process.ts";

const root = join(import.meta.dirname, "../..");
const env = { ATELIER_FAKE_ENGINE: "1", ATELIER_LOG_LEVEL: "debug" };

export interface TaskNow {
  readonly status: string;
  readonly attempt: number;
  readonly pexit: string | null;
  readonly outputs: string;
}

export class RemoteWorld {
  readonly dataDir: string;
  readonly #cleanups: (() => Promise<unknown>)[] = [];
  server!: ServerProcess;
  url = "";
  token = "";
  #apiKey = "";
  #db: Database | undefined;

  private constructor(dataDir: string) {
    this.dataDir = dataDir;
  }

  static async open(): Promise<RemoteWorld> {
    const world = new RemoteWorld(await mkdtemp(join(tmpdir(), "atelier-remote-")));
    await mkdir(join(world.dataDir, "models"));
    await copyFile(join(root, "tests/crash/fake-model.json"), join(world.dataDir, "models/fake.json"));
    await world.startServer();
    const project = await atelier(["project", "create", "remote", "--auth", "key", "--data", world.dataDir, "--json"]);
    world.#apiKey = (JSON.parse(project.stdout) as { apikey: string }).apikey;
    world.token = await world.newToken("tests");
    return world;
  }

  async startServer(port = "0"): Promise<void> {
    const command = [process.execPath, join(root, "bin/atelier.mjs"), "serve", "--no-worker", "--port", port, "--data", this.dataDir];
    this.server = new ServerProcess({ dataDir: this.dataDir, env, command });
    this.url = await this.server.ready();
  }

  /** kill -9, and the same port again. */
  async killServer(): Promise<void> {
    const { port } = new URL(this.url);
    await this.#db?.close();
    this.#db = undefined;
    this.server.kill("SIGKILL");
    await this.server.exit();
    await this.startServer(port);
  }

  async newToken(name: string): Promise<string> {
    const made = await atelier(["worker-token", "create", name, "--data", this.dataDir, "--json"]);
    return (JSON.parse(made.stdout) as { token: string }).token;
  }

  /** A worker that has said that it works. */
  async work(options: { url?: string; token?: string; args?: readonly string[]; env?: Record<string, string> } = {}): Promise<ServerProcess> {
    const worker = this.launch(options);
    await worker.line(/^working for /);
    return worker;
  }

  launch({ url = this.url, token = this.token, args = [], env: more = {} }: Parameters<RemoteWorld["work"]>[0] = {}): ServerProcess {
    const command = [process.execPath, join(root, "bin/atelier.mjs"), "worker", "--server", url, "--models", join(this.dataDir, "models"), ...args];
    const worker = new ServerProcess({ dataDir: this.dataDir, command, env: { ...env, ATELIER_WORKER_TOKEN: token, ...more } });
    this.#cleanups.push(async () => {
      worker.kill("SIGCONT");
      worker.kill("SIGKILL");
      await worker.exit();
    });
    return worker;
  }

  /** Returns the task's id. */
  async run(input: Record<string, unknown>, model = "test/fake"): Promise<string> {
    return String((await this.call(`/Run/${model}`, input))["taskid"]);
  }

  async call(path: string, body: object): Promise<Record<string, unknown>> {
    const headers = { "x-api-key": this.#apiKey, "content-type": "application/json" };
    const response = await fetch(`${this.url}/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    // The wire's answers are JSON objects.
    return (await response.json()) as Record<string, unknown>;
  }

  async db(): Promise<Database> {
    if (this.#db) return this.#db;
    const { socketDir } = JSON.parse(await readFile(join(this.dataDir, "server.json"), "utf8")) as { socketDir: string };
    this.#db = openDatabase({ log: openLog({ level: "silent", pretty: false }) }, { host: socketDir, user: databaseUser, database: embeddedDatabaseName });
    return this.#db;
  }

  /** The task once `condition` holds, woken by its events. */
  async until(id: string, condition: (task: TaskNow) => boolean): Promise<TaskNow> {
    const db = await this.db();
    return new Promise((resolve, reject) => {
      const look = async (): Promise<void> => {
        const { rows } = await db.query<TaskNow>(
          `select status, attempt, pexit, (select count(*) from outputs where task_id = t.id) as outputs from tasks t where id = $1`,
          [id],
        );
        if (rows[0] && condition(rows[0])) resolve(rows[0]);
      };
      const again = (): void => void look().catch(reject);
      db.listen("atelier_event", again, again).then(again, reject);
    });
  }

  drawing(id: string): Promise<TaskNow> {
    return this.until(id, (task) => task.status === "task_output");
  }

  ended(id: string): Promise<TaskNow> {
    return this.until(id, (task) => task.status === "task_postprocess_end" || task.status === "task_cancel");
  }

  /** Exactly one result, one ledger line, one last event, and no file that no output names. */
  async oneResult(id: string): Promise<void> {
    const db = await this.db();
    const { rows } = await db.query(
      `select (select count(*) from outputs where task_id = $1)::int as outputs,
              (select count(*) from ledger where task_id = $1)::int as lines,
              (select count(*) from task_events where task_id = $1 and type = 'task_postprocess_end')::int as ends,
              (select count(*) = max(seq) from task_events where task_id = $1) as "isGapFree"`,
      [id],
    );
    const found = JSON.stringify(rows[0]);
    if (found !== '{"outputs":1,"lines":1,"ends":1,"isGapFree":true}') throw new Error(`task ${id}: ${found}`);
  }

  async endWorkers(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0)) await cleanup();
  }

  async close(): Promise<void> {
    await this.endWorkers();
    await this.#db?.close();
    this.server.kill("SIGTERM");
    await this.server.exit();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
