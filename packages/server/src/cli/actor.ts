// Who uses the command line, for the audit log.

import { userInfo } from "node:os";

export function cliActor(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    // In a container the user may have a number and no name.
    return `cli:${process.getuid?.() ?? "unknown"}`;
  }
}
