// The registry of expected failures: one code, one wire text, one wire code, one HTTP status each.

interface ErrorEntry {
  readonly httpStatus: 200 | 400 | 401 | 404 | 409 | 413 | 416 | 422 | 426 | 429 | 500 | 503 | 504;
  /** Wire error code (docs/wire-contract.md, "Error codes"). */
  readonly wireCode: number;
  readonly text: (details: Readonly<Record<string, unknown>>) => string;
}

const fixed = (wireCode: number, text: string, httpStatus: ErrorEntry["httpStatus"] = 200): ErrorEntry => ({
  httpStatus,
  wireCode,
  text: () => text,
});

export const errorRegistry = Object.freeze({
  AUTH_KEY_UNKNOWN: fixed(0, "Project authorization is not founded.", 401),
  AUTH_SIGNATURE_MISSING: fixed(
    0,
    "Project requires signature authentication. x-signature and x-nonce headers are required.",
    401,
  ),
  AUTH_SIGNATURE_INVALID: fixed(0, "Project authorization is not valid.", 401),
  AUTH_STRICT_SIGNATURE_REQUIRED: fixed(
    0,
    "Project requires signature v2. x-signature-v2, x-timestamp, x-nonce and x-content-sha256 headers are required.",
    401,
  ),
  AUTH_TIME_INVALID: fixed(0, "x-timestamp is more than five minutes away from the server's time.", 401),
  AUTH_REPLAYED: fixed(0, "This x-nonce was used before. Sign every request with a new one.", 401),
  AUTH_BODY_CHANGED: fixed(0, "The body is not the one that x-content-sha256 names.", 401),
  AUTH_ADDRESS_REFUSED: entry(0, (d) => `Requested ip ${d["ip"]} is not allowed.`, 401),
  RATE_LIMITED: entry(0, (d) => `Too many requests. Try again in ${d["seconds"]} seconds.`, 429),
  ROUTE_UNKNOWN: fixed(0, "Error parsing url.", 404),
  BODY_INVALID: fixed(0, "Request parameters are invalid."),
  BODY_TOO_LARGE: fixed(0, "Request parameters are invalid."),
  MODEL_NOT_FOUND: fixed(1, "slug-owner-project-not-exist"),
  MODEL_NOT_ACCESSIBLE: fixed(1, "tool-not-accessible"),
  PARAMETER_REQUIRED: entry(0, (d) => `Request parameter [${d["parameter"]}] required`),
  PARAMETER_NOT_NUMBER: entry(0, (d) => `Request parameter [${d["parameter"]}] must be integer or float`),
  PARAMETER_OUT_OF_RANGE: entry(
    0,
    (d) => `Request parameter [${d["parameter"]}] must be between ${d["min"]} and ${d["max"]}`,
  ),
  PARAMETER_INVALID: fixed(0, "Request parameters are invalid."),
  FILES_REQUIRED: entry(0, (d) => `Request files [${d["parameter"]}] required`),
  FILE_TOO_LARGE: entry(0, (d) => `File [${d["parameter"]}] is larger than ${d["max"]} MB`),
  FILE_TYPE_REFUSED: entry(0, (d) => `File [${d["parameter"]}] is of no supported type`),
  FILE_PIXELS_REFUSED: entry(0, (d) => `File [${d["parameter"]}] has more than ${d["max"]} million pixels`),
  FILE_ARCHIVE_REFUSED: entry(0, (d) => `Archive [${d["parameter"]}] cannot be unpacked: ${d["reason"]}`),
  FOLDER_NOT_EXIST: fixed(1, "folder-not-exist"),
  PERMISSION_DENIED: fixed(0, "You don't have any permission for this action."),
  BUDGET_SPENT: fixed(97, "Insufficient balance"),
  OPEN_TASKS_LIMIT: entry(
    96,
    (d) =>
      `You have reached your concurrent task limit. With your current balance of $${d["balance"]}, you can run up to ` +
      `${d["most"]} tasks at the same time. Add funds to increase your limit.`,
  ),
  IDEMPOTENCY_KEY_INVALID: entry(0, (d) => `Idempotency-Key must be 1 to ${d["most"]} visible ASCII characters without spaces.`),
  IDEMPOTENCY_KEY_REUSED: fixed(
    0,
    "This Idempotency-Key was already used for a run with another model or body. Use a new key for a new run.",
  ),
  TASK_NOT_FOUND: fixed(1, "There is no task yet."),
  TASK_ID_MISSING: fixed(0, "taskid or socketaccesstoken is required"),
  TASK_NOT_CANCELLABLE: fixed(1, "Task is not in a cancellable state."),
  TASK_NOT_KILLABLE: entry(1, (d) => `Task could not be killed: ${d["reason"]}`),
  // InputOutputDelete has a text of its own for what the others call TASK_NOT_FOUND.
  TASK_NOT_EXIST: fixed(1, "task-not-exist"),
  TASK_FILES_IN_USE: fixed(1, "Task must be completed or cancelled before deleting files"),
  DELIVERY_NOT_FOUND: fixed(1, "There is no such delivery."),
  // Of the worker API (docs/worker-api.md).
  WORKER_TOKEN_INVALID: fixed(
    0,
    "The worker token is missing, unknown or revoked. `atelier worker-token create NAME` on the server makes one.",
    401,
  ),
  WORKER_PROTOCOL: entry(
    0,
    (d) =>
      `This server is Atelier ${d["version"]} with worker protocol ${d["ours"]}; the worker's is ${d["theirs"]}. ` +
      `Install Atelier ${d["version"]} on the worker's machine and start the worker again.`,
    426,
  ),
  WORKER_MESSAGE_INVALID: entry(0, (d) => `The worker's message is not valid: ${d["problem"]}.`, 400),
  WORKER_LEASE_LOST: fixed(
    0,
    "This attempt is not the worker's any more, or not where the report belongs: its task was killed, rescued or has ended. Nothing was changed.",
    409,
  ),
  WORKER_INPUT_MISSING: fixed(0, "The task's input names no such file, or the file is gone.", 404),
  WORKER_UPLOAD_OFFSET: entry(0, (d) => `The output has ${d["offset"]} bytes here: the next piece begins there.`, 416),
  WORKER_UPLOAD_TOO_LARGE: entry(0, (d) => `An output may have ${d["most"]} bytes at most.`, 413),
  WORKER_UPLOAD_INCOMPLETE: entry(0, (d) => `Output ${d["index"]} has ${d["offset"]} of ${d["sizeBytes"]} bytes here. Upload the rest.`, 422),
  WORKER_UPLOAD_CHECKSUM: entry(0, (d) => `Output ${d["index"]} is not what was declared, and was removed. Upload it again.`, 422),
  SERVER_UNAVAILABLE: fixed(0, "The server is starting or stopping. Try again in a few seconds.", 503),
  DISK_FULL: fixed(0, "The server's disk is full: it takes no new tasks until there is room. Those it has are safe.", 503),
  WAIT_EXPIRED: fixed(0, "The task has not ended yet. Ask Task/Detail for it, or follow it on the socket.", 504),
  // 500, never 200: pollers take 200 with `result: false` as final, and repeat after a 5xx.
  SERVER_FAULT: fixed(0, "The server could not answer this request. It was written to the server's log.", 500),
});

export type ErrorCode = keyof typeof errorRegistry;

/** An expected failure. Its text, HTTP status and wire code come from the registry, its details fill the text. */
export class AtelierError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, details: Readonly<Record<string, unknown>> = {}, options?: ErrorOptions) {
    super(errorRegistry[code].text(details), options);
    this.name = "AtelierError";
    this.code = code;
    this.details = details;
  }

  get httpStatus(): number {
    return errorRegistry[this.code].httpStatus;
  }

  get wireCode(): number {
    return errorRegistry[this.code].wireCode;
  }
}

function entry(wireCode: number, text: ErrorEntry["text"], httpStatus: ErrorEntry["httpStatus"] = 200): ErrorEntry {
  return { httpStatus, wireCode, text };
}
