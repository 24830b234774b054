// What a callback carries (docs/wire-contract.md, "Callback").

import { successEnvelope } from "./wire-envelope.ts";
import type { WireTask } from "./wire-task.ts";

/** The reply of Task/Detail, and beside it the task's own fields with `taskid`: receivers exist for either form. A failed
 *  run has `result: true` as well; only `pexit` tells. */
export function wireDelivery(task: WireTask) {
  return { ...task, taskid: task.id, ...successEnvelope({ total: "1", tasklist: [task] }) };
}
