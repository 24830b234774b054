// What requests say in the place of a file: right names of files, names of another project's, and what is none.

import { oddText } from "./values.mjs";

/** Of the model that has one of each kind. */
export const fileParameters = [
  { id: "photo", type: "fileinput" },
  { id: "pictures", type: "multifileinput", max: 3 },
  { id: "mix", type: "combinefileinput", max: 2, required: true },
];
export const fileFields = fileParameters.map(({ id }) => id);

/** Nothing outside this machine is asked, and nothing listens at these ports and addresses: a server that asks them fails its task. */
const elsewhere = ["http://127.0.0.1:1/a.png", "http://[::1]/a,b.png", "https://169.254.169.254/latest/meta-data", "//host/a", "data:image/png;base64,AA", "http://"];

/** Fills the fields of files that the request has, and sometimes others. `files`: id and address of uploads. */
export function nameFiles(random, fields, files) {
  if (files.length === 0) return;
  for (const name of fileFields.flatMap((id) => [id, `${id}Url`])) {
    if (name in fields ? random.chance(0.8) : random.chance(0.1)) fields[name] = sentFiles(random, files);
  }
}

function sentFiles(random, files) {
  const one = () => random.weighted([[4, random.pick(files).url], [3, random.pick(files).id], [1, random.pick(elsewhere)], [1, oddText(random)]]);
  const several = random.list(random.int(0, 4), one);
  return random.weighted([[4, one()], [2, several], [2, several.join(random.pick([",", ", ", ",,"]))], [1, JSON.stringify(several)], [0.2, ",".repeat(5_000)]]);
}
