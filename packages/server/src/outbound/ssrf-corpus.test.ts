// Everything that is known to lead a server inwards, against a listener on this machine that must not see one connection.

import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { openOutbound } from "./outbound.ts";
import type { Outbound } from "./outbound.ts";

const refused = expect.stringMatching(/^(url-invalid|userinfo-refused|port-refused|address-refused)$/);
let connections = 0;
const servers: Server[] = [];
let port = 0;

beforeAll(async () => {
  port = await listen("127.0.0.1", 0);
  // The same port on the IPv6 loopback where there is one.
  await listen("::1", port).catch(() => undefined);
});

afterAll(async () => {
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
});

function listen(host: string, wanted: number): Promise<number> {
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(wanted, host, () => {
      servers.push(server);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** `PORT` becomes the listener's. */
const literals = [
  // IPv4 in every notation that some parser reads as the loopback.
  ...["127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0x7f.0x0.0x0.0x1", "017700000001"],
  ...["0177.0.0.1", "0177.0x0.0.1", "127.0.0.1.", "127.000.000.001", "0", "0.0.0.0", "127.127.127.127"],
  ...["①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "0X7F.1"],
  // Overflows: 127.0.0.1 modulo 2^32 or 2^8.
  ...["4429185025", "383.256.256.257", "0x17f000001"],
  // IPv6 and what it carries.
  ...["[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]"],
  ...["[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]"],
  ...["[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]", "[fe80::1%lo]", "[fec0::1]", "[fd00::1]", "[ff02::1]", "[::1%25lo]"],
  // Private networks.
  ...["192.88.99.1", "203.0.113.1", "198.51.100.1", "192.0.2.1", "240.0.0.1", "233.252.0.1", "0300.0250.0.1", "0x0a000001"],
  ...["[2001:db8::1]", "[3fff::1]", "[100::1]", "[5f00::1]", "[2001:20::1]", "[2001:2::1]", "[::ffff:10.0.0.1]", "[2002:a00:1::]", "[64:ff9b::a00:1]"],
  ...["10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "198.18.0.1", "192.0.0.1", "224.0.0.1", "255.255.255.255"],
  // Metadata services.
  ...["169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "[::ffff:169.254.169.254]"],
  ...["169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]"],
].map((host) => `http://${host}:PORT/`);

const tricks = [
  // What stands before or behind the host.
  ...["http://public.test@127.0.0.1:PORT/", "http://public.test:80@127.0.0.1:PORT/", "http://user:pass@public.test/"],
  ...["http://127.0.0.1:PORT\\@public.test/", "http://127.0.0.1:PORT#@public.test/", "http://127.0.0.1:PORT?@public.test/"],
  ...["http://public.test@127.0.0.1:PORT@public.test/", "http://@127.0.0.1:PORT/", "http://:@127.0.0.1:PORT/"],
  ...["http:///127.0.0.1:PORT/", "http:127.0.0.1:PORT/", "http:/127.0.0.1:PORT/", "http:\\\\127.0.0.1:PORT\\", "HTTP://127.0.0.1:PORT/"],
  ...["http://127.0.0.1\t:PORT/", "http://127.0.\n0.1:PORT/", " http://127.0.0.1:PORT/", "http://127.0.0.1%00.public.test:PORT/"],
  ...["http://127.0.0.1:PORT%20/", "http://127.0.0.1%23.public.test/", "https://127.0.0.1:PORT/", "https://[::1]:PORT/"],
  // Other schemes, and no scheme.
  ...["file:///etc/passwd", "ftp://127.0.0.1:PORT/", "gopher://127.0.0.1:PORT/_x", "dict://127.0.0.1:PORT/x", "ws://127.0.0.1:PORT/"],
  ...["data:text/plain,x", "javascript:1", "blob:http://127.0.0.1:PORT/x", "unix:/var/run/docker.sock", "jar:http://127.0.0.1:PORT/!/"],
  ...["//127.0.0.1:PORT/", "127.0.0.1:PORT", "/etc/passwd", "", "http://", "http://[", "http://[::1", "http://1.2.3.4.5/", "about:blank"],
  // Ports of other protocols, on public hosts as well.
  ...[1, 7, 21, 22, 23, 25, 53, 110, 111, 143, 389, 445, 465, 514, 587, 631, 873, 993, 995, 1023, 2049, 5060, 6000, 6667, 10080].map(
    (denied) => `http://8.8.8.8:${denied}/`,
  ),
];

/** Names that lead inwards, whatever they are called. */
const names: Record<string, string[]> = {
  localhost: ["127.0.0.1"],
  "localhost.": ["127.0.0.1"],
  "LOCALHOST": ["::1"],
  "metadata.google.internal": ["169.254.169.254"],
  "127.0.0.1.nip.test": ["127.0.0.1"],
  "mapped.test": ["::ffff:127.0.0.1"],
  "translated.test": ["64:ff9b::7f00:1"],
  "mixed.test": ["8.8.8.8", "127.0.0.1"],
  "mixed-families.test": ["8.8.8.8", "::1"],
  "zone.test": ["fe80::1%lo"],
  "odd-answer.test": ["0x7f.1"],
  "alias-as-answer.test": ["localhost"],
  "xn--lcalhost-54a.test": ["127.0.0.1"],
};

const posts = (outbound: Outbound, url: string) =>
  outbound.post({ url, headers: {}, body: Buffer.from("{}"), timeoutMs: 2_000 });
const fetches = (outbound: Outbound, url: string) =>
  outbound.download({ url, path: join(tmpdir(), "atelier-never-written"), timeoutMs: 2_000 });

test("the manual says how many targets there are", async () => {
  const manual = await readFile(join(import.meta.dirname, "../../../../docs/security.md"), "utf8");
  const targets = literals.length + tricks.length + Object.keys(names).length;
  expect(manual).toContain(`${targets} addresses, names and tricks that are known to lead a server inwards`);
});

test.each([...literals, ...tricks])("%j is refused for callbacks and for inputs", async (url) => {
  const literal = url.replaceAll("PORT", String(port));
  const outbound = openOutbound({ resolveName: (name) => Promise.reject(new Error(`asked for ${name}`)) });
  for (const send of [posts, fetches]) {
    await expect(send(outbound, literal)).rejects.toMatchObject({ code: refused });
  }
  expect(connections).toBe(0);
});

test.each(Object.entries(names))("the name %j is refused when it leads to %j", async (name, addresses) => {
  const outbound = openOutbound({ resolveName: async () => addresses });
  for (const send of [posts, fetches]) {
    await expect(send(outbound, `http://${name}:${port}/`)).rejects.toMatchObject({ code: refused });
  }
  expect(connections).toBe(0);
});

test("the listener of this corpus can be reached: what kept everything away was the guard", async () => {
  const outbound = openOutbound({ allow: ["127.0.0.1"] });
  await expect(posts(outbound, `http://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: "connection-lost" });
  expect(connections).toBe(1);
});
