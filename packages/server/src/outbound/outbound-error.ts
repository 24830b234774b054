// What can go wrong when the server speaks to an address that a caller gave it. One code each; nothing of the answer.

export const outboundFailures = Object.freeze({
  "url-invalid": "The address is not an absolute http or https URL.",
  "userinfo-refused": "The address contains a user name or password.",
  "port-refused": "The port of the address is not one that web servers use.",
  "address-refused": "The address does not lead to a public host.",
  "name-unknown": "The name of the host could not be resolved.",
  "connect-failed": "No connection could be made.",
  "tls-failed": "The host could not prove who it is.",
  "connection-lost": "The connection ended before the answer.",
  "timed-out": "The answer took too long.",
  "response-invalid": "The answer is not one that can be used.",
  "http-status": "The answer's status was not a success.",
  "redirect-refused": "The answer was a redirect.",
  "redirect-limit": "There were too many redirects.",
  "too-large": "The answer is too large.",
  stopped: "The server stopped before the answer.",
});

export type OutboundFailure = keyof typeof outboundFailures;

/** Nothing was sent, and the same URL would be refused again. */
const refusals: readonly OutboundFailure[] = ["url-invalid", "userinfo-refused", "port-refused", "address-refused"];

/** The address was let through and asked for an answer. */
export const reachedFailures: readonly OutboundFailure[] = [
  "connect-failed",
  "tls-failed",
  "connection-lost",
  "timed-out",
  "response-invalid",
  "http-status",
  "redirect-refused",
];

/** `status`: of the answer, when there was one. The message names no address: it may be shown to whoever gave the URL. */
export class OutboundError extends Error {
  readonly code: OutboundFailure;
  readonly status: number | undefined;

  constructor(code: OutboundFailure, options: ErrorOptions & { status?: number } = {}) {
    super(outboundFailures[code], options);
    this.name = "OutboundError";
    this.code = code;
    this.status = options.status;
  }

  get isRefusal(): boolean {
    return refusals.includes(this.code);
  }
}
