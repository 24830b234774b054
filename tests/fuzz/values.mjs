// Values for a JSON Schema: right ones, almost right ones, and wrong ones.

const oddTexts = [
  "", " ", "0", "-1", "1e309", "NaN", "true", "null", "[]", "{}", "\0", "a\0b", "\u{1F600}", "\uD800", "\u202E", "é".normalize("NFD"),
  "'; drop table tasks; --", "../../etc/passwd", "%00", "%zz", "<script>", "${7*7}", "\r\nx-injected: 1", "__proto__", "constructor",
  "toString", "http://169.254.169.254/", "file:///etc/passwd", "2221", "9".repeat(40), "x".repeat(5_000),
];
const oddNumbers = [0, -0, 1, -1, 0.5, 1e-7, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 1e21, 1.7e308, 4_294_967_296];

/** A value that the schema accepts, as far as these few keywords tell. */
export function rightValue(random, schema, resolve) {
  const form = resolve(schema);
  if (form.const !== undefined) return form.const;
  if (form.enum) return random.pick(form.enum);
  const alternatives = form.anyOf ?? form.oneOf;
  if (alternatives) return rightValue(random, random.pick(alternatives), resolve);
  switch (Array.isArray(form.type) ? random.pick(form.type) : form.type) {
    case "object":
      return objectOf(random, form, (property) => rightValue(random, property, resolve));
    case "array":
      return random.list(random.int(0, 3), () => rightValue(random, form.items ?? {}, resolve));
    case "integer":
      return random.int(form.minimum ?? -5, Math.min(form.maximum ?? 1_000, (form.minimum ?? 0) + 2 ** 32));
    case "number":
      return (form.minimum ?? -5) + random.next() * ((form.maximum ?? 100) - (form.minimum ?? -5));
    case "boolean":
      return random.chance(0.5);
    case "null":
      return null;
    default:
      return form.pattern?.includes("[0-9]") ? String(random.int(0, 9)) : plainText(random);
  }
}

/** A right value with one thing wrong in it. */
export function nearValue(random, schema, resolve) {
  const value = rightValue(random, schema, resolve);
  if (typeof value !== "object" || value === null) return wrongValue(random);
  const names = Object.keys(resolve(schema).properties ?? value);
  const name = names.length > 0 && random.chance(0.9) ? random.pick(names) : random.pick(oddTexts);
  const near = Array.isArray(value) ? value : Object.assign(Object.create(null), value);
  if (random.chance(0.2)) delete near[name];
  else near[name] = wrongValue(random);
  return near;
}

/** Any JSON value. */
export function wrongValue(random, depth = 0) {
  const kind = random.int(0, depth > 3 ? 4 : 6);
  if (kind === 0) return random.pick(oddTexts);
  if (kind === 1) return random.pick(oddNumbers);
  if (kind === 2) return random.pick([true, false, null]);
  if (kind === 3) return random.bytes(random.int(0, 30)).toString("latin1");
  if (kind === 4) return random.int(-10, 3_000);
  if (kind === 5) return random.list(random.int(0, 4), () => wrongValue(random, depth + 1));
  const pairs = random.list(random.int(0, 4), () => [random.pick(oddTexts), wrongValue(random, depth + 1)]);
  return Object.fromEntries(pairs);
}

export function oddText(random) {
  return random.pick(oddTexts);
}

function plainText(random) {
  return random.chance(0.2) ? random.pick(oddTexts) : `text ${random.int(0, 999)}`;
}

function objectOf(random, form, make) {
  const required = new Set(form.required ?? []);
  const names = Object.keys(form.properties ?? {}).filter((name) => required.has(name) || random.chance(0.5));
  return Object.fromEntries(names.map((name) => [name, make(form.properties[name])]));
}
