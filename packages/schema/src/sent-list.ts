// A list as a request sends it, before anybody takes it apart.

/** More values than any list of a form has; a body may hold a hundred times as many. */
const mostValues = 1_000;

/** The values of a repeated key or JSON list, or the one value. Undefined where there are too many, or `mostCharacters` are
 *  exceeded by all of their texts: nothing is split or parsed before its length is known. */
export function sentList(sent: unknown, mostCharacters: number): readonly unknown[] | undefined {
  const values = Array.isArray(sent) ? (sent as unknown[]) : [sent];
  if (values.length > mostValues) return undefined;
  const characters = values.reduce<number>((sum, value) => sum + (typeof value === "string" ? value.length : 0), 0);
  return characters > mostCharacters ? undefined : values;
}
