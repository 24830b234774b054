// Writes docs/state-machine.md from the table of moves.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { prepare, root } from "./prepare.mjs";
import { stateMachinePage } from "./state-machine-page.mjs";

await prepare();
const status = await import("@atelier/schema/status");
writeFileSync(join(root, "docs/state-machine.md"), stateMachinePage(status));
