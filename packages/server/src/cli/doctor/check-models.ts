// The doctor's check of the models: their manifests can be read, and this installation can run each of them.

import { strandedModels } from "../../app.ts";
import type { Config } from "../../config.ts";
import { missingModelFolder } from "../../models/missing-model-folder.ts";
import { loadModels } from "../../models/registry.ts";
import { OperatorError } from "../../operator-error.ts";
import { failed, ok, warning } from "./check.ts";
import type { Finding } from "./check.ts";

/** One finding when all is well or there are no models, else one for each model whose tasks would wait for ever. */
export async function checkModels(config: Config): Promise<Finding[]> {
  try {
    const missing = await missingModelFolder(config);
    if (missing !== undefined) return [failed("models", `there is no folder ${missing}`, whereModelsAre)];
    const models = (await loadModels(config.modelFolders)).list();
    if (models.length === 0) return [failed("models", `there is no model in ${config.modelFolders.join(" or ")}`, whereModelsAre)];
    const stranded = [...strandedModels(config, models)];
    if (stranded.length === 0) return [ok("models", `${models.length} models, each with an engine and its files`)];
    const remedy = "Install the engine or the files that its manifest names, or correct `variants` there. Until then its tasks wait for a worker that has them.";
    return stranded.map(([name, reason]) => warning("models", `${name} cannot be run here: ${reason}`, remedy));
  } catch (error) {
    if (error instanceof OperatorError) return [failed("models", error.problem, error.remedy)];
    throw error;
  }
}

const whereModelsAre = "Set ATELIER_MODELS to a folder with manifests, or unset it for those that came with Atelier.";
