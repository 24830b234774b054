// Sample inputs of models that take files, and covers of options: pictures in the models folder that defaults, examples and options name.

import { isFileParameter } from "./input-file.ts";
import { sampleForm } from "./manifest.ts";
import type { Manifest, Parameter } from "./manifest.ts";

/** Every sample that the manifest names, once. */
export function sampleFilesOf(manifest: Pick<Manifest, "parameters" | "examples">): string[] {
  const named: string[] = [];
  mapFileValues(manifest, (file) => {
    if (sampleForm.test(file)) named.push(file);
    return file;
  });
  return [...new Set(named)];
}

/** The manifest with the addresses of its samples in place of their names: what clients are shown, and can send back.
 *  `publicUrl`: origin of the server, without a slash at the end. */
export function withSampleUrls<Kind extends Pick<Manifest, "parameters" | "examples">>(manifest: Kind, publicUrl: string): Kind {
  return mapFileValues(manifest, (file) => (sampleForm.test(file) ? `${publicUrl}/uploads/${file}` : file));
}

function mapFileValues<Kind extends Pick<Manifest, "parameters" | "examples">>(manifest: Kind, map: (file: string) => string): Kind {
  const mapList = (value: string): string => value.split(",").map((file) => map(file.trim())).join(",");
  const items = manifest.parameters.flatMap((group) => group.items);
  const fileIds = new Set(items.filter(isFileParameter).map((item) => item.id));
  const parameters = manifest.parameters.map((group) => ({
    ...group,
    items: group.items.map((item) => withCovers(fileIds.has(item.id) ? { ...item, default: mapList(item.default) } : item, map)),
  }));
  const examples = manifest.examples.map((example) =>
    Object.fromEntries(Object.entries(example).map(([key, value]) => [key, fileIds.has(key) ? mapList(value) : value])),
  );
  return { ...manifest, parameters, examples };
}

function withCovers(item: Parameter, map: (file: string) => string): Parameter {
  if (!item.options) return item;
  return { ...item, options: item.options.map((option) => (option.cover === undefined ? option : { ...option, cover: map(option.cover) })) };
}
