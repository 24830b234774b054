// Hides what looks like a secret in a line that an engine or a library wrote: the line is shown to the task's caller.

const hidden = "[hidden]";
/** Every repetition is bounded: what an engine writes may be any text, and a line must not cost more than its length. What
 *  stands before the word in a name stays as it is, however long. */
const secretName = "(?:token|secret|password|passwd|signature|credential|api[-_]?key|access[-_]?key)[\\w-]{0,16}";

const rules: readonly [RegExp, string][] = [
  // Credentials inside addresses.
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@]{1,500}@/gi, `$1${hidden}@`],
  // Known shapes: Hugging Face, AWS, JSON Web Tokens.
  [/\bhf_[A-Za-z0-9]{16,200}/g, hidden],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, hidden],
  [/(?<![\w-])eyJ[\w-]{8,2000}\.[\w-]{8,2000}\.[\w-]{0,1000}/g, hidden],
  // Headers, and their values by scheme.
  [/\b(bearer|basic)\s{1,8}[\w.~+/=:-]{8,}/gi, `$1 ${hidden}`],
  // Named values: `?token=…`, `API_KEY=…`, `"apiSecret": "…"`.
  [new RegExp(`(${secretName}["']?\\s{0,8}[=:]\\s{0,8}["']?)[^\\s"'&,;]{4,}`, "gi"), `$1${hidden}`],
];

export function withoutSecrets(line: string): string {
  return rules.reduce((text, [pattern, replacement]) => text.replaceAll(pattern, replacement), line);
}
