// Says which files a task's input names: only those may its worker read.

/** True when `fileKey` stands somewhere in the validated input, by itself or as a value of a list or an object. */
export function inputNames(input: unknown, fileKey: string): boolean {
  if (typeof input === "string") return input === fileKey;
  if (typeof input !== "object" || input === null) return false;
  return Object.values(input).some((value) => inputNames(value, fileKey));
}
