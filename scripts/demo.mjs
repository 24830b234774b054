// npm run demo: everything a newcomer needs to see a picture, from a fresh clone.

import { runCommand } from "./command.mjs";

await runCommand(["demo", ...process.argv.slice(2)], { exitCodeWhenEnded: 0 });
