import { expect, test } from "vitest";

import { parseAllowList } from "./allow-list.ts";

test("addresses and networks are listed for their own family only", () => {
  const list = parseAllowList(["10.0.0.0/8", " 192.168.1.5 ", "fd00::/8", ""]);
  for (const address of ["10.1.2.3", "192.168.1.5", "fd12::1"]) expect(list.permitsAddress(address), address).toBe(true);
  const others = ["11.0.0.1", "192.168.1.6", "fe80::1", "::ffff:10.1.2.3", "fd12::1%eth0", "receiver.lan"];
  for (const address of others) expect(list.permitsAddress(address), address).toBe(false);
});

test("a name is listed by itself, in any case and with or without its last dot, not with what is below it", () => {
  const list = parseAllowList(["Receiver.LAN", "localhost"]);
  for (const name of ["receiver.lan", "receiver.lan.", "localhost"]) expect(list.permitsName(name), name).toBe(true);
  for (const name of ["x.receiver.lan", "lan", "receiver"]) expect(list.permitsName(name), name).toBe(false);
});

test.each(["127.1", "0x7f.1", "10.0.0.0/33", "10.0.0.0/x", "http://a", "a b", "a/8", "user@host", "host:80", "[::1]", "*", "::1%lo/64"])(
  "the entry %j is refused by name",
  (entry) => {
    expect(() => parseAllowList([entry])).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  },
);
