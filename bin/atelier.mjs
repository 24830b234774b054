#!/usr/bin/env node
// npx atelier: the command line, also in a fresh clone (it installs and builds first; stdout stays the command's own).

import { runCommand } from "../scripts/command.mjs";

await runCommand(process.argv.slice(2), { exitCodeWhenEnded: 130 });
