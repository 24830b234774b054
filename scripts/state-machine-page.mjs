// The text of docs/state-machine.md, made of the table of moves in packages/schema/src/status.ts.

const meanings = {
  task_queue: "It waits for a worker.",
  task_accept: "A worker has claimed it: a new attempt begins.",
  task_preprocess_start: "The worker readies the run: model, adapters, input files.",
  task_preprocess_end: "All that the run needs is ready.",
  task_assign: "An engine has been given the run.",
  task_start: "The engine runs.",
  task_output: "The engine has reported progress, as often as it likes.",
  task_output_full: "Every output has arrived.",
  task_end: "The engine is done; the time that is billed ends here.",
  task_postprocess_start: "The worker stores the outputs.",
  task_postprocess_end: "It is over: it went well (`pexit` is `\"0\"`) or it failed.",
  task_cancel: "It is over: it was cancelled or killed.",
};

/** Markdown; `status` is the module `@atelier/schema/status`. */
export function stateMachinePage(status) {
  return `${intro}
${table(status)}

## Diagram

The ways that every leased status has are drawn once, from the box around them.

${diagram(status)}

${explanation}`;
}

const intro = `# The lives of a task

Made by \`node scripts/write-state-machine.mjs\` from the table in \`packages/schema/src/status.ts\`; do not edit by hand.

Every task begins in \`task_queue\` and ends in \`task_postprocess_end\` or \`task_cancel\`. It makes only the moves below.

| Status | What it says | Moves, and who may make them |
|---|---|---|`;

function table({ statuses, allowedMoves, moversOf }) {
  const rows = statuses.map((from) => {
    const moves = allowedMoves[from].map((to) => `\`${to}\` (${moversOf({ from, to }).join(", ")})`);
    return `| \`${from}\` | ${meanings[from]} | ${moves.length === 0 ? "none: it is final" : moves.join(", ")} |`;
  });
  return rows.join("\n");
}

function diagram({ statuses, leasedStatuses, terminalStatuses, allowedMoves, moversOf }) {
  const shared = allowedMoves[leasedStatuses[0]].filter((to) => leasedStatuses.every((from) => allowedMoves[from].includes(to)));
  const arrow = (from, to, movers) => `${from} --> ${to}: ${movers.join(", ")}`;
  const own = (from) =>
    allowedMoves[from]
      .filter((to) => !(leasedStatuses.includes(from) && shared.includes(to)))
      .map((to) => arrow(from, to, moversOf({ from, to })));
  const leased = leasedStatuses.flatMap(own).map((line) => `    ${line}`);
  const lines = [
    "[*] --> task_queue: caller",
    ...statuses.filter((from) => !leasedStatuses.includes(from)).flatMap(own),
    "state leased {",
    ...leased,
    "}",
    ...shared.map((to) => arrow("leased", to, moversOf({ from: leasedStatuses[0], to }))),
    ...terminalStatuses.map((end) => `${end} --> [*]`),
  ];
  return ["```mermaid", "stateDiagram-v2", ...lines.map((line) => `  ${line}`), "```"].join("\n");
}

const explanation = `## Who

- **worker**: the worker whose lease it is. It names its attempt and itself with every report; a report that names an older
  attempt, or another worker, changes nothing. A worker claims (\`task_accept\`, attempt + 1), goes on step by step, returns a
  task that it cannot run or whose engine broke down (to \`task_queue\`), and ends it well or badly (\`task_postprocess_end\`).
  Ending it well is possible from \`task_postprocess_start\` only; ending it badly from every leased status.
- **caller**: Run creates the task, Cancel ends it while it waits, Kill ends it while a worker holds it.
- **system**: a server by itself. It rescues a task whose worker was not heard of in time (to \`task_queue\`), ends one that
  lost its worker too often (\`task_postprocess_end\`), and cancels one that waited or ran for longer than its model allows.

Each move is one statement of the database that compares before it sets. Of two that want the same task at the same moment one
succeeds; the other is told so, and changes nothing.
`;
