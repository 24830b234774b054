// Every named upper bound of the server, each with its reason.

import { databaseLimits } from "./limits-of-the-database.ts";
import { fileLimits } from "./limits-of-files.ts";
import { remoteWorkerLimits } from "./limits-of-remote-workers.ts";
import { storeLimits } from "./limits-of-stores.ts";

export const limits = Object.freeze({
  ...databaseLimits,
  ...fileLimits,
  ...remoteWorkerLimits,
  ...storeLimits,
  /** A run's JSON body: the largest prompt with room to spare; the contract's clients send at most 16 MiB. */
  bodyBytes: 16 * 1024 * 1024,
  /** Nesting of a JSON body: no parameter takes more than a list. */
  bodyDepth: 32,
  /** Members and list items of a JSON body; more cost the parser hundreds of megabytes. */
  bodyValues: 100_000,
  /** Fields or parts of a form. */
  bodyFields: 1_000,
  /** What is kept of a `callbackUrl`: longer than any URL that servers accept. */
  callbackUrlCharacters: 4_096,
  /** Requests of one key in a minute, and of one address that proved no key; both can be set. A poller sends one every 2 s, a
   *  page with a hundred pictures a hundred at once. */
  keyRequestsPerMinute: 12_000,
  addressRequestsPerMinute: 1_200,
  /** Callers whose requests one server counts, of either kind; beyond, those that have been silent for longest start anew. */
  rateBuckets: 50_000,
  /** Requests of one key in a minute that are signed by signature v2, however many it may send: each leaves a nonce for up to
   *  ten minutes, so a key has at most 132,000 of them per server. */
  signedRequestsPerMinute: 12_000,
  /** How far the time in a signature v2 may be from the database's (docs/signature-v2.md). */
  signatureWindowMs: 300_000,
  /** Nonces of signatures v2 that one statement deletes, and how often it is done. */
  noncePruneRows: 10_000,
  noncePruneMs: 30_000,
  /** How long the older secret of a rotated key signs, unless the command says otherwise. */
  keyGraceMs: 24 * 3_600_000,
  /** Of a project's name, which stands in one line with what else a list says of it. */
  projectNameCharacters: 100,
  /** Numbers that are tried behind a name that is taken, where nobody chose it. */
  projectNameTries: 100,
  /** Lines of one look at a project's audit log. */
  auditListRows: 100,
  /** Networks in a project's list of allowed addresses: all are compared for each request. */
  allowedAddresses: 100,
  /** A whole request must have arrived within this: the largest file at 1.4 Mbit/s. */
  requestMs: 600_000,
  /** A body without files must have arrived within this: the largest at 1 Mbit/s. */
  bodyMs: 150_000,
  /** Of a path segment: longer than any slug, so a longer one names nothing. */
  pathSegmentCharacters: 512,
  /** How long a probe waits for the database: Kubernetes gives its own a second. */
  readyAnswerMs: 500,
  /** What open connections get at shutdown before they are cut. */
  httpStopMs: 3_000,
  /** Characters of a prompt: one model reads at most 512 text tokens. */
  textCharacters: 20_000,
  /** Lost leases after which a task fails instead of being rescued again. */
  lostLeases: 10,
  /** Engine failures (crashes) after which a task fails. */
  engineFailures: 3,
  /** A worker that has not renewed its lease for this long has lost it. */
  leaseMs: 4_000,
  heartbeatMs: 1_000,
  /** How often servers look for expired leases. */
  rescueMs: 500,
  /** A database that answered nothing for this long may have taken no heartbeat, and a lease may have run out meanwhile whose worker
   *  lives: a lease less two heartbeats. */
  rescueAwayMs: 2_000,
  /** A task whose model a worker has loaded goes before one whose model it would have to load, until that one has waited for
   *  this long: about the loading of a large base from a disk. */
  warmFirstMs: 30_000,
  /** A project with running tasks that was given no other for this long takes its turn as if it had none. */
  agedTurnMs: 60_000,
  /** Times that a claim is repeated because another took what it had chosen. */
  claimTries: 8,
  /** How long a repeated Run with the same `Idempotency-Key` is answered with the same task. */
  idempotencyKeyMs: 24 * 60 * 60_000,
  /** Of an `Idempotency-Key`: a UUID has 36. */
  idempotencyKeyCharacters: 255,
  /** Between two looks for what is too old to be kept, and rows that one statement forgets. */
  keyPruneMs: 60_000,
  keyPruneBatch: 10_000,
  /** Between two looks for tasks beyond their deadline, and how many one look ends. */
  deadlineMs: 500,
  deadlineBatch: 100,
  /** How long a claim loop waits without a notification before it looks again. */
  claimPollMs: 1_000,
  /** How long one request for a task waits; a worker that finds new weights offers their models with the next one. Proxies cut
   *  silent requests after 60 s, some after 30. */
  claimWaitMs: 20_000,
  /** The same of one watch for kills. */
  killWatchMs: 20_000,
  /** From the cancel message to SIGTERM, and from SIGTERM to SIGKILL, of an engine that does not stop. */
  engineCancelMs: 2_500,
  engineTermMs: 1_500,
  /** From starting an engine's program until it says that it is ready (before it loads anything). */
  engineStartMs: 60_000,
  /** Statements of one kind by which a process reports on tasks at once, and tasks of one statement. One move and one end keep the
   *  disk busy; more would only be smaller. */
  reportStatements: 1,
  reportBatch: 100,
  /** The same of statements that create tasks: the next one is planned and run while the one before waits for the disk. */
  newTaskStatements: 2,
  newTaskBatch: 100,
  /** How long a project is taken for one with a limit of open tasks, and how many are remembered. */
  limitedProjectMs: 10_000,
  limitedProjects: 10_000,
  /** The same of statements that look requests' keys up. */
  keyStatements: 2,
  keyBatch: 100,
  /** Calls of one kind that wait for a statement they share: a hundred full statements of them. Beyond, SERVER_UNAVAILABLE. */
  gatheredCalls: 10_000,
  /** Claims that wait for a task in one process, each of one worker. Beyond, SERVER_UNAVAILABLE, and the worker asks again. */
  waitingClaims: 10_000,
  /** Tasks that a worker with many free places claims in one transaction. */
  claimBatch: 32,
  /** What a report waits for the next one: they share a statement, and all of a run that is over by then go with its end. Every
   *  report carries its own time. */
  reportPauseMs: 1,
  /** Reports of one run that wait to be sent: a slow database costs a run its progress, not its speed. */
  waitingReports: 16,
  /** Tries of a write whose answer was lost with the database connection. */
  unknownOutcomeTries: 5,
  /** Before each further one. A question to a database that is away takes `databaseAwayMs` by itself: all tries together outlast
   *  a failover to another machine, 10 to 30 s. */
  unknownOutcomePauseMs: 1_000,
  /** An engine that says nothing for this long during a run is taken for hung: loading a large base from a slow disk and one
   *  step on a slow processor both stay under it. */
  engineSilenceMs: 15 * 60_000,
  /** One message of an engine; pixels travel as files, so lines stay short. */
  engineLineCharacters: 1_000_000,
  /** Tasks that one pass of the rescue looks at. */
  rescueBatch: 100,
  /** Draining at shutdown: running tasks are returned to the queue after this. */
  drainMs: 8_000,
  /** Head of a safetensors file: names and shapes of its tensors; that of FLUX.1-dev takes 0.2 MB. */
  tensorHeadBytes: 32 * 1024 * 1024,
  /** Until a changed manifest is read, counted from its last change: editors write in several steps. */
  modelsSettleMs: 100,
  /** How often the folders of manifests are looked at, watched or not. */
  modelsPollMs: 2_000,
  /** Age of the catalogue's statistics: counting 300,000 tasks took 130 ms on two busy cores. */
  statisticsMs: 2_000,
  /** A body from somebody who gave no key: more than any search of the catalogue. */
  openBodyBytes: 64 * 1024,
  /** One line of an engine's log as it is read, and as it is kept: secrets are looked for in the first, so that none is cut
   *  where it is shown. */
  logReadCharacters: 16_384,
  logLineCharacters: 2_000,
  /** Pieces of an engine's stderr that one run tells while it goes on, the shortest time between two, and the size of one:
   *  each is an event in the database. */
  errorReports: 50,
  errorReportMs: 500,
  errorReportCharacters: 4_000,
  /** Log text kept per task (`debugoutput`, `debugerror`). */
  debugCharacters: 64_000,
  /** One callback from the lookup of its name to the head of its answer; receivers are told to answer first and work later. */
  outboundPostMs: 15_000,
  /** One input file with its redirects: the largest at 15 Mbit/s. */
  outboundDownloadMs: 60_000,
  /** As large as an upload may be (docs/wire-contract.md, "Files"). */
  outboundDownloadBytes: 100 * 1024 * 1024,
  /** Redirects of one input file; browsers follow 20, file hosts use one or two. */
  outboundRedirects: 5,
  /** Head of an answer; Node's own default. */
  outboundHeaderBytes: 16 * 1024,
  /** Callbacks under way at once, and of one project: receivers that hang keep no other project waiting. */
  deliverySlots: 8,
  deliverySlotsPerProject: 4,
  /** Until a callback whose sender died is sent again; longer than `outboundPostMs` and the writing of its outcome. */
  deliveryLeaseMs: 30_000,
  /** How long the delivery loop waits without a notification before it looks again. */
  deliveryPollMs: 1_000,
  /** What callbacks under way get at shutdown; those that are cut are sent again by the next server. */
  deliveryStopMs: 2_000,
  /** Waits after the first, second, ... failed try of a callback; after the last one it is abandoned. The first two are what
   *  old receivers expect (docs/wire-contract.md, "Callback"); together 28 hours, so that a receiver may be away for a day. */
  deliveryWaitsMs: [2_000, 2_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000, 43_200_000],
  /** Waits beyond those two are stretched or shortened by up to this, so that a receiver that comes back is not met by all. */
  deliveryJitterRatio: 0.2,
  /** Rows of one list of callbacks. */
  deliveryListRows: 100,
  /** How often a server looks at every followed task, notified or not: what a notification lost on a dead connection costs.
   *  10,000 idle tasks take 100 statements of about a millisecond. */
  eventRescanMs: 5_000,
  /** Tasks that one statement looks at, and events that it brings of each: 10,000 rows at most, some megabytes. */
  eventTasksPerLook: 100,
  eventsPerLook: 100,
  /** How often whoever looks at a task says so, how long that holds, and of how many tasks a server remembers it. */
  previewAskMs: 2_000,
  previewWantedMs: 6_000,
  previewTasks: 10_000,
  /** Previews, the newest of each task, that wait to be announced: 8 KB each. */
  previewsWaiting: 500,
  /** One frame of a socket's client: a subscription takes about 80 bytes. */
  socketFrameBytes: 16 * 1024,
  /** Open sockets of one process, at about 10 KB each. */
  sockets: 20_000,
  /** Tasks that one socket follows at once. */
  socketTasks: 64,
  /** Frames of a client that wait to be read; one that sends more without waiting is no client of ours. */
  socketWaitingFrames: 128,
  /** What waits to be sent on one socket before its tasks are paused. */
  socketBufferBytes: 256 * 1024,
  /** Between two pings; a socket that did not answer the last one, or did not read as far, is cut. Proxies cut silent
   *  connections after 60 s. */
  socketPingMs: 25_000,
  /** A socket that follows no task for this long is closed. */
  socketIdleMs: 120_000,
  /** What a caller whose socket was refused gets to read why and to close. */
  socketRefusedMs: 2_000,
  /** What sockets get to say goodbye at shutdown. */
  socketStopMs: 1_000,
  /** How long `/sync` holds a request (docs/wire-contract.md, "Run/sync"), and how many it holds at once. */
  syncWaitMs: 40 * 60_000,
  syncRequests: 2_000,
  /** Event streams of tasks that one process holds, and how soon a reader whose stream broke off comes again. */
  eventStreams: 10_000,
  eventStreamRetryMs: 1_000,
  /** Messages of MCP that are answered at once: a tool that waits holds its request for up to ten minutes. */
  mcpRequests: 1_000,
  /** How long `atelier mcp` waits for one answer: longer than any tool. */
  mcpAnswerMs: 11 * 60_000,
  /** Between two comments on a silent event stream. */
  syncKeepAliveMs: 15_000,
  /** How long a command waits for a server that is starting on its data folder, and between two looks. */
  serverStartMs: 60_000,
  serverPollMs: 50,
  /** Signals within this time are one: npm passes a terminal's Ctrl-C on to a command that has had it already. */
  secondSignalMs: 300,
  /** The command line's own requests: an answer, and between two questions about a task. */
  clientRequestMs: 30_000,
  clientPollMs: 150,
  /** How long the command line outlasts a server that is away while it follows a task: a restart on a slow machine. */
  clientAwayMs: 90_000,
  /** How long a task waits without a worker for its model until the command line says so: workers that start need a moment. */
  clientNoWorkerMs: 5_000,
  /** Between two tries meanwhile, unless the server names a time; what it names is not believed beyond the longer one. */
  clientRetryMs: 500,
  clientRetryMaxMs: 10_000,
  /** Times its own length that a look at the queue is used, so that looks take a twentieth of one database session. */
  queueLookShare: 20,
  /** What Task/Detail waits for a look before it answers without a place. */
  queuePlaceMs: 2_000,
  /** Of each project and model: ids that a look keeps from the head, and from there every so many. 100,000 waiting tasks leave
   *  1,600 numbers, and a position is at most so much too low. */
  queueFirstIds: 100,
  queueEveryId: 64,
  /** Ended tasks from which the run times are taken. */
  queueRunsMeasured: 500,
  /** Waiting tasks whose first estimate is kept until their start is known, and starts by which estimates are judged. */
  startEstimates: 10_000,
  startErrors: 200,
  /** How often a worker's being there is written down, when it counts as gone (an idle one asks every `claimWaitMs`), and how
   *  many one server remembers. */
  workerSeenMs: 5_000,
  workerGoneMs: 30_000,
  heardWorkers: 10_000,
  /** How long a look at the free disk space counts: a disk that takes 2 GB a second fills less than its reserve meanwhile. */
  diskLookMs: 100,
  /** Free disk space below which the doctor warns, and below which it fails. */
  diskWarnMib: 1024,
  diskFailMib: 100,
  /** Ports that the demo tries, from the usual one upwards. */
  portTries: 100,
});
