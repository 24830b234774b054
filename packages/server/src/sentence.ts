// What others say, as a sentence of ours.

/** Ends with one full stop, whether or not the text brought its own. */
export function sentence(text: string): string {
  return `${text.trimEnd().replace(/\.+$/, "")}.`;
}
