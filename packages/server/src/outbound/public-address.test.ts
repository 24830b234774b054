import { expect, test } from "vitest";

import { isPublicAddress } from "./public-address.ts";

/** First and last address of every block of IANA's special-purpose registries that is not globally reachable, and of
 *  everything else that leads inwards. */
const inward = [
  ...["0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255"],
  ...["127.0.0.0", "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.255.255", "172.16.0.0", "172.31.255.255"],
  ...["192.0.0.0", "192.0.0.255", "192.0.2.0", "192.0.2.255", "192.88.99.0", "192.88.99.255", "192.168.0.0", "192.168.255.255"],
  ...["198.18.0.0", "198.19.255.255", "198.51.100.0", "198.51.100.255", "203.0.113.0", "203.0.113.255"],
  ...["224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.254", "255.255.255.255"],
  ...["192.31.196.1", "192.52.193.1", "192.175.48.1"],
  // Metadata services: AWS, ECS, Alibaba, Azure, Oracle, AWS over IPv6.
  ...["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"],
  // IPv6: unspecified, loopback, compatible, mapped, translated (both), discard, unassigned below 2000::.
  ...["::", "::1", "::7f00:1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1"],
  ...["64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "100::", "100::ffff:ffff:ffff:ffff", "1fff::1"],
  // Teredo, benchmarking, ORCHID, documentation, 6to4.
  ...["2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff:ffff::1", "2001:db8::1", "3fff::1", "3fff:fff::1"],
  ...["2002:7f00:1::", "2002:a9fe:a9fe::1", "2620:4f:8000::1"],
  // Unassigned above 3fff::, segment routing, unique local, link-local (with and without zone), site-local, multicast.
  ...["4000::1", "5f00::1", "8000::1", "fc00::1", "fdff::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1"],
  // Spellings that some resolver or library might read as an address.
  ...["0177.0.0.1", "127.1", "2130706433", "0x7f000001", "", "localhost", "8.8.8.8%lo", "2600::1%lo", "8.8.8.8 ", "[2600::1]"],
];

test.each(inward)("%s is not public", (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.32.0.1", "168.63.129.17", "2600::1", "2a00:1450::1"])(
  "%s is public",
  (address) => {
    expect(isPublicAddress(address)).toBe(true);
  },
);
