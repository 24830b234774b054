import { execFile } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, it } from "vitest";

/** Far longer than the request's own half second. */
const hungMs = 20_000;

it("a request that a server holds ends in its time, however much garbage is collected meanwhile", async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an address with a port.
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const flags = ["--expose-gc", "--always-turbofan"];
  const held = promisify(execFile)(process.execPath, [...flags, join(import.meta.dirname, "held-request.mjs"), url], { timeout: hungMs });
  const { stdout } = await held.finally(() => silent.close());
  expect(stdout).toBe("SERVER_UNAVAILABLE\n");
});
