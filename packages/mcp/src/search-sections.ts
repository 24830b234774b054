// Searches documentation: sections of Markdown, ranked by how many of the query's words they hold.

export interface DocsSection {
  /** Of the document and of the section. */
  readonly title: string;
  readonly text: string;
}

/** What an answer holds at most: more than that no model reads. */
export const docsLimits = Object.freeze({ matches: 5, matchCharacters: 2000, queryWords: 32 });

/** A document by its headings. `name`: stands for the title where there is none. Lines of code that look like headings are not. */
export function sectionsOf(name: string, markdown: string): DocsSection[] {
  const sections: { title: string; lines: string[] }[] = [];
  let document = name;
  let isCode = false;
  for (const line of markdown.split("\n")) {
    if (line.startsWith("```")) isCode = !isCode;
    const heading = isCode ? undefined : /^(#{1,4}) +(.+)$/.exec(line);
    if (heading?.[1] === "#" && sections.length === 0) document = heading[2] ?? name;
    if (heading) sections.push({ title: heading[1] === "#" ? document : `${document}: ${heading[2]}`, lines: [] });
    else if (sections.length > 0 || line.trim() !== "") (sections.at(-1) ?? addTo(sections, document)).lines.push(line);
  }
  return sections.map(({ title, lines }) => ({ title, text: lines.join("\n").trim() })).filter(({ text }) => text !== "");
}

function addTo(sections: { title: string; lines: string[] }[], title: string): { title: string; lines: string[] } {
  const section = { title, lines: [] };
  sections.push(section);
  return section;
}

/** The best sections first; a word in a title counts more than one in the text, a rare word more than a common one. */
export function searchSections(sections: readonly DocsSection[], query: string): DocsSection[] {
  const words = [...new Set(wordsOf(query))].slice(0, docsLimits.queryWords);
  const held = sections.map(({ title, text }) => ({ title: new Set(wordsOf(title)), text: new Set(wordsOf(text)) }));
  const scores = sections.map(() => 0);
  for (const word of words) {
    const holders = held.filter(({ title, text }) => title.has(word) || text.has(word)).length;
    const weight = Math.log(1 + sections.length / (1 + holders));
    for (const [at, { title, text }] of held.entries()) scores[at] = (scores[at] ?? 0) + weight * (title.has(word) ? 3 : text.has(word) ? 1 : 0);
  }
  return sections
    .map((section, at) => ({ section, score: scores[at] ?? 0 }))
    .filter(({ score }) => score > 0)
    .toSorted((one, other) => other.score - one.score)
    .slice(0, docsLimits.matches)
    .map(({ section: { title, text } }) => ({ title, text: [...text].slice(0, docsLimits.matchCharacters).join("") }));
}

function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? []).map((word) => word.replace(/(?<=\p{L}{3})s$/u, ""));
}
