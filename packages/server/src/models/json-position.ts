// Finds on which line of a JSON text a value stands, so that messages about files can name it.

/** The line (from 1) of the value at `path` in a valid JSON text. Where the path ends early (a missing field), the line of
 *  the deepest value that exists. */
export function lineOfPath(text: string, path: readonly PropertyKey[]): number {
  return lineOfOffset(text, offsetOfPath(text, path));
}

export function lineOfOffset(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** The line of a syntax error, from the position in V8's message; the last line when the text ends too early. */
export function lineOfSyntaxError(text: string, error: SyntaxError): number {
  const position = /at position ([0-9]+)/.exec(error.message)?.[1];
  return lineOfOffset(text, position === undefined ? text.length : Number(position));
}

function offsetOfPath(text: string, path: readonly PropertyKey[]): number {
  let offset = skipSpace(text, 0);
  for (const key of path) {
    const next = offsetOfChild(text, offset, String(key));
    if (next === undefined) break;
    offset = next;
  }
  return offset;
}

/** The offset of one member's value inside the object or array that starts at `start`. */
function offsetOfChild(text: string, start: number, key: string): number | undefined {
  const opening = text[start];
  if (opening !== "{" && opening !== "[") return undefined;
  let offset = skipSpace(text, start + 1);
  for (let index = 0; text[offset] !== "}" && text[offset] !== "]"; index += 1) {
    let name = String(index);
    if (opening === "{") {
      const end = endOfString(text, offset);
      name = JSON.parse(text.slice(offset, end)) as string;
      offset = skipSpace(text, skipSpace(text, end) + 1);
    }
    if (name === key) return offset;
    offset = skipSpace(text, endOfValue(text, offset));
    if (text[offset] === ",") offset = skipSpace(text, offset + 1);
  }
  return undefined;
}

function endOfValue(text: string, start: number): number {
  if (text[start] === '"') return endOfString(text, start);
  if (text[start] !== "{" && text[start] !== "[") {
    const length = text.slice(start).search(/[\s,\]}]/);
    return length < 0 ? text.length : start + length;
  }
  let depth = 0;
  for (let offset = start; offset < text.length; offset += 1) {
    const character = text[offset];
    if (character === '"') offset = endOfString(text, offset) - 1;
    else if (character === "{" || character === "[") depth += 1;
    else if ((character === "}" || character === "]") && --depth === 0) return offset + 1;
  }
  return text.length;
}

function endOfString(text: string, start: number): number {
  for (let offset = start + 1; offset < text.length; offset += 1) {
    if (text[offset] === "\\") offset += 1;
    else if (text[offset] === '"') return offset + 1;
  }
  return text.length;
}

function skipSpace(text: string, start: number): number {
  let offset = start;
  while (offset < text.length && " \t\r\n".includes(text.charAt(offset))) offset += 1;
  return offset;
}
