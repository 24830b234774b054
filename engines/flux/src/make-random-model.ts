// Command: writes a model folder of random weights and an adapter for it. `node dist/make-random-model.js DIR`

import { join } from "node:path";
import { writeRandomAdapter, writeRandomModel } from "@atelier/flux/random-model";

const folder = process.argv[2];
if (folder === undefined) {
  process.stderr.write("usage: make-random-model DIR   (writes DIR/starter and DIR/adapters/random.safetensors)\n");
  process.exit(2);
}
await writeRandomModel(join(folder, "starter"));
await writeRandomAdapter(join(folder, "adapters", "random.safetensors"));
