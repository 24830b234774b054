import fc from "fast-check";
import { expect, it } from "vitest";

import { fileNameFor } from "./file-name.ts";
import { mediaTypeOf } from "./media-type.ts";

const png = { endings: [".png"] };
const jpeg = { endings: [".jpg", ".jpeg"] };

it.each([
  ["a.png", png, "a.png"],
  ["a.JPEG", jpeg, "a.JPEG"],
  ["line\r\nSet-Cookie: x.png", png, "line__Set-Cookie_ x.png"],
  ["nul\0.png", png, "nul_.png"],
  ["half \ud83d.png", png, "half _.png"],
  [".htaccess", png, "htaccess.png"],
  ["", jpeg, "file.jpg"],
  ["...", png, "file.png"],
  ["a\u0301.png", png, "\u00e1.png"],
  ["x.png.", png, "x.png"],
])("%j becomes a safe name", (given, media, expected) => {
  expect(fileNameFor(given, media)).toBe(expected);
});

it("any name becomes one that headers, paths and URLs take as it is, and stays so", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (given) => {
      const name = fileNameFor(given, png);
      expect(name).toMatch(/^[^\p{Cc}/\\<>:"|?*]+\.png$/iu);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(130);
      expect(name.startsWith(".")).toBe(false);
      expect(decodeURIComponent(encodeURIComponent(name))).toBe(name);
      expect(fileNameFor(name, png)).toBe(name);
    }),
    { numRuns: 300, seed: 11 },
  );
});

it.each([
  ["ffd8ffe0", "a", "image/jpeg"],
  ["52494646000000005745425056503820", "a", "image/webp"],
  ["000000186674797068656963", "a", "image/heic"],
  ["0000001866747970617669660000", "a", "image/avif"],
  ["00000018667479706d703432", "a", "video/mp4"],
  ["00000018667479704d344120", "a", "audio/mp4"],
  ["0000001866747970717420200000", "a", "video/quicktime"],
  ["1a45dfa39f4286810142f7810142f2810442f381084282847765626d", "a", "video/webm"],
  ["1a45dfa39f4286810142f7810142f2810442f381084282886d6174726f736b61", "a.webm", undefined],
  ["5249464600000000574156456600", "a", "audio/wav"],
  ["494433040000", "a", "audio/mpeg"],
  ["fffb9064", "a", "audio/mpeg"],
  ["255044462d312e37", "a", "application/pdf"],
  ["504b0304", "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
  ["504b0304", "a.exe", "application/zip"],
  ["4d5a9000", "a.png", undefined],
  ["", "a.txt", undefined],
  ["612c62", "a.csv", "text/csv; charset=utf-8"],
  ["e9612c62", "a.csv", "text/csv; charset=utf-8"],
  ["2320686561640a", "a.MD", "text/markdown; charset=utf-8"],
  ["68656c6c6f", "a.sh", undefined],
])("bytes %s under the name %s are %s", (hex, name, type) => {
  expect(mediaTypeOf(Buffer.from(hex, "hex"), name)?.type).toBe(type);
});
