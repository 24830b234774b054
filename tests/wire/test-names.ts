// The names of the tests in a test file's source, as they stand there ("%s" included); skipped tests are left out, and
// those that run under a condition only.

/** What begins a test or a group of them, as the first word of a line. */
const heads = /^[ \t]*(it|test|describe)((?:\.\w+)*)(?=[(`])/gm;

/** A quoted text that is followed by options or by the test itself: nothing else looks like that. */
const names = /\(\s*("(?:[^"\\\n]|\\.)*"|`[^`\n]*`|'(?:[^'\\\n]|\\.)*'),\s*(?:\{[^{}]*\},\s*)?(?:async\s*)?\(/g;

/** Cases of `.each` lie between head and name, so a name belongs to the last head before it. */
export function testNames(source: string): string[] {
  const starts = [...source.matchAll(heads)].map((match) => ({ at: match.index, word: match[1], modifiers: match[2] ?? "" }));
  const found: string[] = [];
  const taken = new Set<number>();
  for (const match of source.matchAll(names)) {
    const head = starts.findLast((start) => start.at <= match.index);
    if (head === undefined || taken.has(head.at) || head.word === "describe" || /\.(skip|todo|fails|skipIf|runIf)\b/.test(head.modifiers)) continue;
    taken.add(head.at);
    found.push(unquoted(match[1] ?? ""));
  }
  return found;
}

function unquoted(literal: string): string {
  return literal.startsWith('"') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
}
