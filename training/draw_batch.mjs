// Draws many pictures with the engine that ships, in one process: reads a JSON list of requests, writes their RGB bytes
// one after the other. `node training/draw_batch.mjs MODEL_FOLDER REQUESTS.json OUT.rgb [THREADS]`
// A request: { prompt, seed, steps, guidanceScale, widthPixels, heightPixels, adapters: [{ path, weight }] }.

import { createWriteStream, readFileSync } from "node:fs";
import { finished } from "node:stream/promises";
import { openPipeline } from "../packages/flux/dist/pipeline.js";

const [folder, requestsPath, outPath, threads = "1"] = process.argv.slice(2);
const requests = JSON.parse(readFileSync(requestsPath, "utf8"));
const pipeline = await openPipeline(folder, { threads: Number(threads) });
const out = createWriteStream(outPath);
for (const [index, request] of requests.entries()) {
  for await (const picture of pipeline.generate({ ...request, samples: 1 })) {
    const { widthPixels, heightPixels } = request;
    if (picture.widthPixels !== widthPixels || picture.heightPixels !== heightPixels) {
      throw new Error(`asked for ${widthPixels}×${heightPixels}, drew ${picture.widthPixels}×${picture.heightPixels}`);
    }
    out.write(picture.pixels);
  }
  if ((index + 1) % 20 === 0) process.stderr.write(`drawn ${index + 1}/${requests.length}\n`);
}
out.end();
await finished(out);
await pipeline.close();
