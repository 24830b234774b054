import { expect, test } from "vitest";

import { isReadableOnItsWay } from "./clear-text.ts";

test.each([
  ["http://127.0.0.1:8420", false],
  ["http://127.1:8420", false],
  ["http://[::1]:8420", false],
  ["http://localhost:8420", false],
  ["http://atelier.localhost", false],
  ["https://pictures.example", false],
  ["http://pictures.example", true],
  ["http://127.0.0.1.example", true],
  ["http://notlocalhost", true],
  ["http://10.0.0.5:8420", true],
  ["http://[fe80::1]", true],
])("what is sent to %s can be read on its way: %s", (url, expected) => {
  expect(isReadableOnItsWay(url)).toBe(expected);
});
