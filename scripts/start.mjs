// npm start: installs and builds what is missing, then runs the server. Ends with 0 when it is told to stop.

import { runCommand } from "./command.mjs";

await runCommand(["serve", ...process.argv.slice(2)], { exitCodeWhenEnded: 0 });
