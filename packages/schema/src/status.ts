// The statuses of a task and which of them end it (docs/wire-contract.md, "Statuses").

export const statuses = [
  "task_queue",
  "task_accept",
  "task_preprocess_start",
  "task_preprocess_end",
  "task_assign",
  "task_start",
  "task_output",
  "task_output_full",
  "task_end",
  "task_postprocess_start",
  "task_postprocess_end",
  "task_cancel",
] as const;

/** Stored status of a task; the wire uses the same words. */
export type Status = (typeof statuses)[number];

export const terminalStatuses = ["task_postprocess_end", "task_cancel"] as const satisfies readonly Status[];

/** Statuses in which a worker holds the task: everything between the queue and the end. */
export const leasedStatuses: readonly Status[] = statuses.filter(
  (status) => status !== "task_queue" && !isTerminal(status),
);

export function isTerminal(status: Status): boolean {
  return (terminalStatuses as readonly Status[]).includes(status);
}

/** Every move a task may make, by the status it leaves. Kill reaches `task_cancel` from every leased status, Cancel only
 *  from the queue, and rescue returns any leased status to the queue. Failures may jump to `task_postprocess_end`. */
export const allowedMoves: Readonly<Record<Status, readonly Status[]>> = Object.freeze({
  task_queue: ["task_accept", "task_cancel"],
  task_accept: ["task_preprocess_start", "task_assign", ...leasedExits()],
  task_preprocess_start: ["task_preprocess_end", ...leasedExits()],
  task_preprocess_end: ["task_assign", ...leasedExits()],
  task_assign: ["task_start", ...leasedExits()],
  task_start: ["task_output", "task_output_full", "task_end", ...leasedExits()],
  task_output: ["task_output", "task_output_full", "task_end", ...leasedExits()],
  task_output_full: ["task_end", ...leasedExits()],
  task_end: ["task_postprocess_start", ...leasedExits()],
  task_postprocess_start: leasedExits(),
  task_postprocess_end: [],
  task_cancel: [],
});

function leasedExits(): Status[] {
  return ["task_postprocess_end", "task_cancel", "task_queue"];
}

/** Who makes a move: the worker that holds the task (or takes it), a caller by Cancel or Kill, or a server by itself. */
export type Mover = "worker" | "caller" | "system";

/** Who may make an allowed move. The system ends what took too long, rescues what lost its worker, and gives up what lost it
 *  too often; a worker returns what it cannot run and fails what its engine failed. */
export function moversOf({ from, to }: { from: Status; to: Status }): readonly Mover[] {
  if (!allowedMoves[from].includes(to)) return [];
  if (to === "task_cancel") return ["caller", "system"];
  if (to === "task_queue" || to === "task_postprocess_end") return ["worker", "system"];
  return ["worker"];
}

/** The statuses from which `to` can be reached in one move. */
export function statusesBefore(to: Status): Status[] {
  return statuses.filter((from) => allowedMoves[from].includes(to));
}
