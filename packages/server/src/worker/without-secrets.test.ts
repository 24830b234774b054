import { expect, it } from "vitest";

import { withoutSecrets } from "./without-secrets.ts";

it.each([
  ["GET https://me:hunter22@host/file", "GET https://[hidden]@host/file"],
  ["authorization: Bearer abcdef0123456789", "authorization: Bearer [hidden]"],
  ["fetched https://h/x?X-Amz-Signature=deadbeef&size=3", "fetched https://h/x?X-Amz-Signature=[hidden]&size=3"],
  ["API_KEY=0123456789 steps=9", "API_KEY=[hidden] steps=9"],
  ['{"apiSecret": "s3cr3t-value", "steps": 9}', '{"apiSecret": "[hidden]", "steps": 9}'],
  ["A_NAME_THAT_IS_LONGER_THAN_SIXTEEN_TOKEN=abcdefgh", "A_NAME_THAT_IS_LONGER_THAN_SIXTEEN_TOKEN=[hidden]"],
  [`sent hf_${"a".repeat(34)} on`, "sent [hidden] on"],
  [`AKIA${"A".repeat(16)} is gone`, "[hidden] is gone"],
  [`got eyJ${"a".repeat(20)}.eyJ${"b".repeat(20)}.${"c".repeat(20)}!`, "got [hidden]!"],
  ["hf_token=hf_abcdefgh", "hf_token=[hidden]"],
])("hides the secret of %j", (line, expected) => expect(withoutSecrets(line)).toBe(expected));

// A pattern that goes back over the whole line for each character takes minutes for these, and the test does not end in time.
it.each([["a", 1_999], ["a-", 999], ["token-", 333], ["x://", 500], ["bearer ", 285], ["eyJ-", 499], [" ", 1_999]])("comes to the end of many lines of %j", (piece, count) => {
  const line = piece.repeat(count);
  for (let lines = 0; lines < 3_000; lines += 1) expect(withoutSecrets(line).length).toBeLessThanOrEqual(line.length);
});

it.each(["seed 64803343", "step 3/20, 1.5 it/s", "77 tokens: a ringed planet", "decoder: 16 channels, scale 8", "out of memory at 0x7f00"])(
  "leaves %j as it is",
  (line) => expect(withoutSecrets(line)).toBe(line),
);
