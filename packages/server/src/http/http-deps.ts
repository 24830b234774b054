// What the HTTP room is given by whoever starts it.

import type { Database } from "../db/database.ts";
import type { EventFeed } from "../events/event-feed.ts";
import type { FileStore } from "../files/file-store.ts";
import type { Log } from "../log.ts";
import type { ModelRegistry } from "../models/registry.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { ProjectDoor } from "../projects/project-door.ts";
import type { NewTaskLine } from "../tasks/new-task-line.ts";
import type { StartEstimates } from "../tasks/start-estimates.ts";
import type { WorkerApiDeps } from "./worker-api/worker-api.ts";
import type { AccessRules } from "./visit.ts";

/** The owner of the key that a request carries. A project has it from its `auth` whether requests must be signed. */
export interface Caller {
  /** Decimal digits. */
  readonly id: string;
  readonly uuid: string;
  readonly name: string;
  readonly auth: "signature" | "key";
}

export interface HttpDeps {
  readonly db: Pick<Database, "query" | "transaction">;
  readonly models: ModelRegistry;
  readonly files: FileStore;
  /** Where bytes lie while they arrive; emptied at each start. */
  readonly tempFolder: string;
  readonly events: EventFeed;
  /** How long outputs are kept after the end of their task; undefined: until they are deleted. */
  readonly outputDays?: number | undefined;
  readonly projects: ProjectDoor;
  /** Which proxies are believed, and how many requests may come. */
  readonly access: AccessRules;
  /** Where runs share statements. Default: each has its own. */
  readonly newTasks?: NewTaskLine | undefined;
  /** Absent: no remote workers are admitted. */
  readonly workerApi?: WorkerApiDeps | undefined;
  /** The one door to addresses that callers name. */
  readonly outbound: Pick<Outbound, "download">;
  /** Where the manual lies, and what this program is. */
  readonly installation: { readonly dir: string; readonly version: string };
  readonly log: Log;
  /** False while the disk is too full for new tasks. */
  readonly hasRoom: () => Promise<boolean>;
  /** Whether tasks can be created and found now; asked by `/readyz`. */
  readonly isReady: () => Promise<boolean>;
}

/** Where the server is reached from outside, without a trailing slash: the start of every absolute URL it gives out. Never
 *  taken from a request's Host header, which anyone can write. */
export type PublicUrl = () => string;

/** What a route's answer is made with. */
export interface RouteContext extends HttpDeps {
  readonly publicUrl: PublicUrl;
  /** Places in the queue, for Detail. Default: the server's own. */
  readonly starts?: StartEstimates;
}
