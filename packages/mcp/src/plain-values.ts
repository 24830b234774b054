// From the wire's texts to the plain numbers of the tools' answers.

/** Undefined for what is no number. */
export function amount(text: string | undefined): number | undefined {
  const value = Number(text ?? "");
  return text === undefined || text === "" || !Number.isFinite(value) ? undefined : value;
}

/** Null for what is no size. */
export function sizeOf(text: string): number | null {
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** Where the next page starts; null after the last one. */
export function nextStart(start: number, shown: number, total: number): number | null {
  return shown > 0 && start + shown < total ? start + shown : null;
}

type WithoutAbsent<T> = { [Key in keyof T]: Exclude<T[Key], undefined> } & object;

/** The same object without the members that are undefined. */
export function withoutAbsent<T extends object>(value: T): WithoutAbsent<T> {
  // What is left has no undefined in it; members that may be absent are optional in every schema that reads this.
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as WithoutAbsent<T>;
}
