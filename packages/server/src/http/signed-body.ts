// A body that must be the one whose hash was signed: it ends in an error when it is another.

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

import { AtelierError } from "../errors.ts";

const signedBodies = new WeakMap<IncomingMessage, Readable>();

/** What routes read, in place of the request itself. A signed body that is not the signed one fails with AUTH_BODY_CHANGED
 *  where it would have ended, so whoever acts only on a body that has ended acts on no other. */
export function bodyOf(request: IncomingMessage): Readable {
  return signedBodies.get(request) ?? request;
}

/** From now on the body is hashed as it is read, in whatever pieces it comes. `sha256`: 64 lowercase hex digits. */
export function expectBody(request: IncomingMessage, sha256: string): void {
  signedBodies.set(request, new CheckedBody(request, sha256));
}

/** Fails no earlier than its reader asks for more than there is: an error that came while nobody listened would leave a
 *  reader that comes later waiting for ever. */
class CheckedBody extends Readable {
  readonly #source: IncomingMessage;
  readonly #hash = createHash("sha256");
  /** Set when the source has ended; null: well. */
  #verdict: AtelierError | null | undefined;
  /** Its reader has everything and wants more. */
  #isAsked = false;

  constructor(source: IncomingMessage, sha256: string) {
    // 0: asked for more only when all was read.
    super({ highWaterMark: 0 });
    this.#source = source;
    source.on("data", (chunk: Buffer) => {
      this.#hash.update(chunk);
      source.pause();
      this.push(chunk);
    });
    source.pause();
    source.once("end", () => this.#end(this.#hash.digest("hex") === sha256 ? null : new AtelierError("AUTH_BODY_CHANGED")));
    source.once("close", () => this.#end(new AtelierError("BODY_INVALID")));
  }

  override _read(): void {
    this.#isAsked = true;
    if (this.#verdict === undefined) this.#source.resume();
    else this.#tell(this.#verdict);
  }

  override push(chunk: Buffer | null): boolean {
    this.#isAsked = false;
    return super.push(chunk);
  }

  #end(verdict: AtelierError | null): void {
    if (this.#verdict !== undefined) return;
    this.#verdict = verdict;
    if (this.#isAsked) this.#tell(verdict);
  }

  #tell(verdict: AtelierError | null): void {
    if (verdict) this.destroy(verdict);
    else this.push(null);
  }
}
