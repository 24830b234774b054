import { once, EventEmitter } from "node:events";

import pg from "pg";
import { afterEach, beforeEach, it } from "vitest";

import { openLog } from "../log.ts";
import { Listener, listenerName } from "./listener.ts";
import { createTestDatabase } from "./test-database.ts";
import type { TestDatabase } from "./test-database.ts";

let test: TestDatabase;
beforeEach(async () => {
  test = await createTestDatabase();
});
afterEach(() => test.drop());

function openListener() {
  const counted = new EventEmitter();
  const listener = new Listener(openLog({ level: "silent", pretty: false }), {
    makeClient: () => new pg.Client({ ...test.address, application_name: listenerName }),
    isOwn: () => false,
    onServers: (servers) => void counted.emit(`${servers}`),
    pingMs: 20,
  });
  const listen = () => listener.listen("things", { onNotification: () => undefined, onReconnect: () => undefined });
  return { listener, counted, listen };
}

it("each listener knows how many there are, and notices when one comes or goes", async () => {
  const [first, second] = [openListener(), openListener()];
  const alone = once(first.counted, "1");
  await first.listen();
  await alone;
  const both = [once(first.counted, "2"), once(second.counted, "2")];
  await second.listen();
  await Promise.all(both);
  const aloneAgain = once(first.counted, "1");
  await second.listener.close();
  await aloneAgain;
  await first.listener.close();
});
