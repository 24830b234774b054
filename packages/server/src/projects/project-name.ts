// Which names a project may have: those by which commands find it again, and which a line of a terminal shows as they are.

import { limits } from "../limits.ts";
import { OperatorError } from "../operator-error.ts";

/** Throws COMMAND_FAILED for a name that no project may have. */
export function expectProjectName(name: string): void {
  const flaw = flawOf(name);
  if (flaw === undefined) return;
  throw new OperatorError("COMMAND_FAILED", {
    problem: `${JSON.stringify(name)} cannot be a project's name: it ${flaw}.`,
    remedy: `Use 1 to ${limits.projectNameCharacters} characters that are seen, and not digits alone.`,
  });
}

/** What is wrong, as the end of a sentence. */
function flawOf(name: string): string | undefined {
  if (!/[^\s\p{C}]/u.test(name)) return "is empty";
  if (name.trim() !== name) return "begins or ends with a space";
  if (/^\p{Nd}+$/u.test(name)) return "looks like the id of a project";
  // Line ends and escapes, and what turns the direction of the text around it (UAX 9).
  if (/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(name)) return "holds characters that are not seen";
  if ([...name].length > limits.projectNameCharacters) return `has more than ${limits.projectNameCharacters} characters`;
  return undefined;
}
