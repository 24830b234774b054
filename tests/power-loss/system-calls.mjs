// Reads what `strace -f -ttt -T -y` writes.

/** System calls in the order of their ends. Times in seconds since the epoch; `text` is the call with its arguments. */
export function callsOf(trace) {
  const calls = [];
  const unfinished = new Map();
  for (const line of trace.split("\n")) {
    const head = /^(\d+)\s+(\d+\.\d+) /.exec(line);
    if (!head) continue;
    const [whole, pid, time] = head;
    const rest = line.slice(whole.length);
    if (rest.endsWith("<unfinished ...>")) {
      unfinished.set(pid, { beganAt: Number(time), text: rest });
      continue;
    }
    const resumed = /^<\.\.\. (\w+) resumed>/.exec(rest);
    const start = resumed ? unfinished.get(pid) : { beganAt: Number(time), text: "" };
    const end = / = (-?\d+).*<(\d+\.\d+)>$/.exec(rest);
    if (!start || !end) continue;
    const text = start.text + rest;
    const name = resumed?.[1] ?? /^(\w+)\(/.exec(rest)?.[1];
    if (name) calls.push({ name, text, beganAt: start.beganAt, endedAt: start.beganAt + Number(end[2]), result: Number(end[1]) });
  }
  return calls;
}
