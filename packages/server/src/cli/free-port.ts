// Finds the first port that can be listened on.

import { portProblem } from "../http/port-problem.ts";
import { limits } from "../limits.ts";

/** The first free port from `port` on; 0 (any) when there is none within the limit. */
export async function firstFreePort({ host, port }: { host: string; port: number }): Promise<number> {
  for (let offset = 0; offset < limits.portTries && port + offset <= 65_535; offset += 1) {
    if ((await portProblem({ host, port: port + offset })) === undefined) return port + offset;
  }
  return 0;
}
