// Waits for the end of a task on behalf of an open request.

import { successEnvelope } from "@atelier/schema/wire-envelope";

import { AtelierError } from "../errors.ts";
import type { Follower, Following } from "../events/following.ts";
import { findTask } from "../tasks/find-task.ts";
import { envelopeOf } from "./failure.ts";
import type { RouteContext } from "./http-deps.ts";
import type { StartedRun } from "./routes/run.ts";
import { showTask } from "./show-task.ts";

export interface HeldRun extends StartedRun {
  readonly projectId: string;
  /** Aborted when nobody waits any longer: the time is up, the client has gone, or the server stops. */
  readonly signal: AbortSignal;
}

export interface RunWatcher extends Pick<Follower, "onEvent"> {
  /** Called once, before the first event. */
  readonly onFollowing: (following: Following) => void;
}

/** The ended task as Detail shows it; undefined when nobody waits any longer, or when it could not be read: the caller must
 *  then still learn which task is its own. */
export async function detailAtTheEnd(
  context: RouteContext,
  held: HeldRun,
  watcher?: RunWatcher,
): Promise<object | undefined> {
  try {
    if (!(await followToTheEnd(context, held, watcher))) return undefined;
    const task = await findTask(context, { projectId: held.projectId, id: held.taskid });
    return task && successEnvelope({ total: "1", tasklist: [showTask(context, task)] });
  } catch (error) {
    context.log.error({ err: error, taskId: held.taskid }, "held_run.failed");
    return undefined;
  }
}

/** A failure with both names by which the caller can go on asking. */
export function expiredAnswer({ taskid, socketaccesstoken }: StartedRun): object {
  return { ...envelopeOf(new AtelierError("WAIT_EXPIRED")), taskid, socketaccesstoken };
}

/** True once the task has ended; false when nobody waits any longer. */
function followToTheEnd(context: RouteContext, held: HeldRun, watcher?: RunWatcher): Promise<boolean> {
  return new Promise((resolve) => {
    const following = context.events.follow(
      { taskId: held.taskid, afterSeq: 0 },
      { onEvent: (event) => watcher?.onEvent(event), onEnd: (reason) => resolve(reason === "ended") },
    );
    watcher?.onFollowing(following);
    const giveUp = (): void => {
      following.stop();
      resolve(false);
    };
    if (held.signal.aborted) giveUp();
    else held.signal.addEventListener("abort", giveUp, { once: true });
  });
}
