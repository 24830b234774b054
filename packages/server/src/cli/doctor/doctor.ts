// atelier doctor: looks at everything a run needs and says what to do about what is wrong.

import type { Config } from "../../config.ts";
import type { Log } from "../../log.ts";
import { checkEngineBinary, checkWeights } from "./check-engine.ts";
import { checkDataFolder, checkDisk, checkNode, checkPort } from "./check-machine.ts";
import { checkModels } from "./check-models.ts";
import { checkPostgres } from "./check-postgres.ts";
import type { Finding } from "./check.ts";

/** All findings, in the order in which a person would mend them. Changes nothing. */
export async function examine(deps: { config: Config; log: Log }): Promise<Finding[]> {
  const { config } = deps;
  const findings = await Promise.all([
    checkNode(),
    checkEngineBinary(config),
    checkPostgres(deps),
    checkModels(config),
    checkWeights(config),
    checkDisk(config),
    checkDataFolder(config),
    checkPort(config),
  ]);
  return findings.flat();
}
