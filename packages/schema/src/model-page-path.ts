// The name of a model inside an address.

import { cleanSlug } from "./manifest.ts";
import type { Manifest } from "./manifest.ts";

/** Clean `owner/slug`, percent-encoded where a slug holds what an address may not. */
export function modelPath(manifest: Pick<Manifest, "owner" | "slug">): string {
  return [manifest.owner, manifest.slug].map((part) => encodeURIComponent(cleanSlug(part))).join("/");
}
