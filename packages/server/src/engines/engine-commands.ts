// The engines that a worker of this installation can start.

import { existsSync } from "node:fs";
import { join } from "node:path";

import type { EngineCommand } from "./engine-process.ts";

/** Engines whose program is there. `fake` adds the test double, which the configuration allows in tests only. */
export function engineCommands(options: { rootFolder: string; fake: boolean }): EngineCommand[] {
  const programs = ["flux", "image"].map((name) => ({ name, path: join(options.rootFolder, `engines/${name}/dist/main.js`) }));
  if (options.fake) programs.push({ name: "fake", path: join(options.rootFolder, "engines/fake/main.mjs") });
  return programs
    .filter((program) => existsSync(program.path))
    .map((program) => ({ name: program.name, command: process.execPath, args: [program.path] }));
}
