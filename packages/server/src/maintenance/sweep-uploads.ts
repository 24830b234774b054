// Removes what remote workers have uploaded for attempts that nobody holds any more. Any server may do it.

import type { Log } from "../log.ts";
import { limits } from "../limits.ts";
import { sweepPieces } from "../tasks/upload-pieces.ts";
import type { PieceDeps } from "../tasks/upload-pieces.ts";
import { periodically } from "./periodically.ts";
import type { Upkeep } from "./periodically.ts";

/** A pass resolves to the number of pieces removed. */
export function startUploadSweep(deps: PieceDeps & { log: Log }): Upkeep {
  return periodically(deps, { name: "upload_sweep", everyMs: limits.uploadSweepMs, pass: () => sweepPieces(deps) });
}
