// A body that must be the one whose hash was signed: it ends in an error when it is another.

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Transform } from "node:stream";
import type { Readable } from "node:stream";

import { AtelierError } from "../errors.ts";

const signedBodies = new WeakMap<IncomingMessage, Readable>();

/** What routes read, in place of the request itself. A signed body that is not the signed one fails with AUTH_BODY_CHANGED
 *  where it would have ended, so whoever acts only on a body that has ended acts on no other. */
export function bodyOf(request: IncomingMessage): Readable {
  return signedBodies.get(request) ?? request;
}

/** From now on the body is hashed as it is read, in whatever pieces it comes. `sha256`: 64 lowercase hex digits. */
export function expectBody(request: IncomingMessage, sha256: string): void {
  const hash = createHash("sha256");
  const checked = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      done(hash.digest("hex") === sha256 ? null : new AtelierError("AUTH_BODY_CHANGED"));
    },
  });
  // A reader that has left does not end the process; one that reads hears the same event.
  checked.on("error", () => undefined);
  request.once("close", () => {
    if (!request.complete) checked.destroy(new AtelierError("BODY_INVALID"));
  });
  request.pipe(checked);
  signedBodies.set(request, checked);
}
