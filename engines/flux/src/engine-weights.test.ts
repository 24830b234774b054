import { appendFile, copyFile, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { pipelinePaths, weightPaths } from "@atelier/flux/pipeline-files";
import { drawWith, useEngine } from "./testing/engine-fixture.ts";

const { copyOfModels, start, run } = useEngine();
const hashedPaths = [...weightPaths, pipelinePaths.tokenizer];

describe("damaged weights fail the run and name the file", () => {
  async function failure(damage: (models: string) => Promise<unknown>, adapters: string[] = []) {
    const models = await copyOfModels();
    await damage(models);
    const child = start();
    const uses = adapters.map((file) => ({ path: join(models, file), weight: 1 }));
    child.send(await run({ basePath: join(models, "starter"), adapters: uses }));
    return child.next("failed");
  }

  test.each(weightPaths)("%s missing", async (path) => {
    const failed = await failure((models) => rm(join(models, "starter", path)));
    expect(failed.code).toBe("WEIGHTS_MISSING");
    expect(failed.message).toContain(join("starter", path));
  });

  test.each(weightPaths)("%s cut off", async (path) => {
    const failed = await failure(async (models) => truncate(join(models, "starter", path), 5_000));
    expect(failed.code).toBe("WEIGHTS_INVALID");
    expect(failed.message).toContain(path);
  });

  test("one byte altered, which only the stated hash can tell", async () => {
    const failed = await failure(async (models) => {
      await stateHashes(models);
      const path = join(models, "starter", weightPaths[1]);
      const bytes = await readFile(path);
      bytes[bytes.length - 1]! ^= 1; // a file has a last byte
      await writeFile(path, bytes);
    });
    expect(failed.code).toBe("WEIGHTS_INVALID");
    expect(failed.message).toMatch(new RegExp(`${weightPaths[1]}: was altered`));
  });

  test("an altered vocabulary", async () => {
    const failed = await failure(async (models) => {
      await stateHashes(models);
      const path = join(models, "starter", pipelinePaths.tokenizer);
      await writeFile(path, (await readFile(path, "utf8")).replace('"a"', '"A"'));
    });
    expect(failed.message).toContain(pipelinePaths.tokenizer);
  });

  test("a byte more than stated", async () => {
    const failed = await failure(async (models) => {
      await stateHashes(models);
      await appendFile(join(models, "adapters/random.safetensors"), " ");
    }, ["adapters/random.safetensors"]);
    expect(failed.code).toBe("WEIGHTS_INVALID");
    expect(failed.message).toContain("adapters/random.safetensors");
  });

  test("an adapter that is not there, or is none", async () => {
    const missing = await failure(async () => undefined, ["adapters/none.safetensors"]);
    expect(missing).toMatchObject({ code: "WEIGHTS_MISSING" });
    const other = await failure(
      (models) => copyFile(join(models, "starter", weightPaths[2]), join(models, "adapters/other.safetensors")),
      ["adapters/other.safetensors"],
    );
    expect(other).toMatchObject({ code: "MODEL_UNSUPPORTED" });
  });

  test("even when the base is in memory already; put back, it draws again", async () => {
    const models = await copyOfModels();
    const path = join(models, "starter", weightPaths[0]);
    const child = start();
    const message = () => run({ basePath: join(models, "starter") });
    await drawWith(child, await message());
    await rename(path, `${path}.away`);
    child.send(await message());
    expect((await child.next("failed")).message).toContain(path);
    await rename(`${path}.away`, path);
    await drawWith(child, await message());
  });

  test("stated hashes that agree let it pass, and a list that is none does not", async () => {
    const models = await copyOfModels();
    await stateHashes(models);
    const child = start();
    const adapters = [{ path: join(models, "adapters/random.safetensors"), weight: 1 }];
    await drawWith(child, await run({ basePath: join(models, "starter"), adapters }));
    await writeFile(join(models, "weights.json"), "{}");
    const second = start();
    second.send(await run({ basePath: join(models, "starter") }));
    expect((await second.next("failed")).message).toContain("weights.json");
  });
});

/** Writes weights.json for every weights file of a models folder. */
async function stateHashes(models: string): Promise<void> {
  const paths = [...hashedPaths.map((path) => `starter/${path}`), "adapters/random.safetensors"];
  const files = await Promise.all(
    paths.map(async (path) => {
      const bytes = await readFile(join(models, path));
      return { path: `models/${path}`, sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
    }),
  );
  await writeFile(join(models, "weights.json"), JSON.stringify(files));
}
