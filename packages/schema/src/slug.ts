// Tells whether two spellings of an owner or model slug name the same thing (docs/wire-contract.md, "Slugs").

/** The comparable form of one slug segment that has already been percent-decoded: trimmed, lower case, each run of white
 *  space one hyphen, dots as hyphens. Raw (`Virtual Try-On`) and clean (`virtual-try-on`) forms give the same key, and so
 *  do `v1.5` and `v1-5`, because no source says which of the two a clean slug uses. */
export function slugKey(segment: string): string {
  return segment.trim().toLowerCase().replaceAll(/\s+/g, "-").replaceAll(".", "-");
}

/** The comparable form of a whole model name, `owner/slug`. */
export function modelKey(name: { owner: string; slug: string }): string {
  return `${slugKey(name.owner)}/${slugKey(name.slug)}`;
}
