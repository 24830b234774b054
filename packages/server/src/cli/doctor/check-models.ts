// The doctor's check of the models: their manifests can be read, and an engine of this installation runs each of them.

import { modelsWithoutEngine } from "../../app.ts";
import type { Config } from "../../config.ts";
import { loadModels } from "../../models/registry.ts";
import { OperatorError } from "../../operator-error.ts";
import { failed, ok, warning } from "./check.ts";
import type { Finding } from "./check.ts";

/** One finding when all is well, else one for each model whose tasks would wait for ever. */
export async function checkModels(config: Config): Promise<Finding[]> {
  try {
    const models = (await loadModels(config.modelFolders)).list();
    const stranded = modelsWithoutEngine(config, models);
    if (stranded.length === 0) return [ok("models", `${models.length} models, each with an engine`)];
    const remedy = "Build or install the engine that its manifest names, or correct `variants` there.";
    return stranded.map((name) => warning("models", `no engine of this installation runs ${name}`, remedy));
  } catch (error) {
    if (error instanceof OperatorError) return [failed("models", error.problem, error.remedy)];
    throw error;
  }
}
