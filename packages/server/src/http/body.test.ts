import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import { parseFields } from "./body.ts";

const json = "application/json";
const form = "application/x-www-form-urlencoded";
const multipart = "multipart/form-data; boundary=XX";

const parse = async (body: string | Buffer, contentType: string) =>
  ({ ...(await parseFields(Buffer.from(body), contentType)) }) as Record<string, unknown>;

const part = (name: string, value: string): string =>
  `--XX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

async function refusal(body: string | Buffer, contentType: string): Promise<unknown> {
  return parse(body, contentType).then(
    (fields) => fields,
    (error: AtelierError) => error.code,
  );
}

describe("bodies that lie about their type", () => {
  it.each([json, form, "multipart/form-data", multipart, "text/plain", "", ";;;", "multipart/form-data; boundary="])(
    "JSON labelled %j is JSON",
    async (label) => {
      expect(await parse(' \r\n{ "taskid": "2221", "n": 1 }', label)).toEqual({ taskid: "2221", n: 1 });
    },
  );

  it("JSON may start with a byte order mark", async () => {
    expect(await parse('\u{FEFF}{"a":1}', form)).toEqual({ a: 1 });
  });

  it("a percent sign that begins no sequence is one, as browsers read it (URL standard, percent-decode)", async () => {
    const sent = "prompt=100%+cotton&note=50%25%2C+100%&%zz=%2&tail=%";
    const read = Object.fromEntries(new URLSearchParams(sent));
    expect(read).toEqual({ prompt: "100% cotton", note: "50%, 100%", "%zz": "%2", tail: "%" });
    expect(await parse(sent, form)).toEqual(read);
  });

  it("a real form is a form", async () => {
    expect(await parse("prompt=two+moons%2C+one+sun&steps=8&steps=9&empty=", form)).toEqual({
      prompt: "two moons, one sun",
      steps: ["8", "9"],
      empty: "",
    });
  });

  it("a real multipart body is multipart, with repeated keys as a list and files left out", async () => {
    const file = '--XX\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\nPNG\r\n';
    const body = `${part("prompt", "naïve\nmoon")}${part("tag", "1")}${part("tag", "2")}${part("tag", "3")}${file}--XX--\r\n`;
    expect(await parse(body, multipart)).toEqual({ prompt: "naïve\nmoon", tag: ["1", "2", "3"] });
  });

  it("an empty body has no fields", async () => {
    expect(await parse("", json)).toEqual({});
    expect(await parse(" \n", "multipart/form-data")).toEqual({});
  });
});

describe("names of Object.prototype are names like any other", () => {
  it.each([
    ['{"__proto__":{"taskid":"1"},"constructor":"x"}', json],
    ["__proto__=x&constructor=y", form],
    [`${part("__proto__", "x")}--XX--`, multipart],
  ])("%j", async (body, label) => {
    const fields = await parseFields(Buffer.from(body), label);
    expect(fields["taskid"]).toBeUndefined();
    expect(fields["toString"]).toBeUndefined();
    expect(Object.keys(fields)).toContain("__proto__");
    expect(({} as Record<string, unknown>)["taskid"]).toBeUndefined();
  });
});

describe("what is refused", () => {
  it.each([
    ["half a JSON object", '{"a":', json],
    ["text after the object", '{"a":1} x', json],
    ["a JSON list", "[1]", json],
    ["JSON text", '"x"', json],
    ["JSON that is not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), json],
    ["a form that is not UTF-8", Buffer.from([0x61, 0x3d, 0xff]), form],
    ["a percent sequence that is not UTF-8", "a=%ff", form],
    ["text without a known label", "prompt=x", "text/plain"],
    ["multipart without a boundary", `${part("a", "1")}--XX--`, "multipart/form-data"],
    ["multipart that breaks off", part("a", "1").slice(0, -6), multipart],
    ["multipart with another boundary", "--YY\r\n\r\nx\r\n--YY--", multipart],
    ["gzip bytes", Buffer.from([0x1f, 0x8b, 0x08, 0x00]), json],
  ])("%s", async (_name, body, label) => {
    expect(await refusal(body, label)).toBe("BODY_INVALID");
  });

  it("nesting beyond the limit, but not brackets inside of text", async () => {
    const deep = (levels: number): string => `{"a":${"[".repeat(levels)}${"]".repeat(levels)}}`;
    expect(await refusal(deep(limits.bodyDepth), json)).toBe("BODY_INVALID");
    expect(await refusal(deep(limits.bodyDepth - 1), json)).toHaveProperty("a");
    expect(await refusal(JSON.stringify({ a: `\\"${"[".repeat(500)}` }), json)).toHaveProperty("a");
  });

  it("more values or fields than the limits", async () => {
    expect(await refusal(`{"a":[0${",0".repeat(limits.bodyValues + 1)}]}`, json)).toBe("BODY_INVALID");
    expect(await refusal("a=1&".repeat(limits.bodyFields + 1), form)).toBe("BODY_INVALID");
    const parts = part("a", "1").repeat(limits.bodyFields + 1);
    expect(await refusal(`${parts}--XX--`, multipart)).toBe("BODY_INVALID");
  });
});

describe("any bytes under any label", () => {
  it("give fields or BODY_INVALID", async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
      fc.json().map((text) => Buffer.from(text)),
      fc.string({ unit: "binary" }).map((text) => Buffer.from(`{${text}`)),
      fc.string({ unit: "binary" }).map((text) => Buffer.from(`--XX\r\n${text}\r\n--XX--`)),
    );
    const labels = fc.oneof(fc.constantFrom(json, form, multipart, "", "multipart/form-data"), fc.string());
    await fc.assert(
      fc.asyncProperty(bytes, labels, async (body, label) => {
        const outcome = await refusal(body, label);
        expect(outcome === "BODY_INVALID" || typeof outcome === "object").toBe(true);
      }),
      { numRuns: 2_000, seed: 4_711 },
    );
  });

  it("of a JSON object give that object, whatever the label", async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), fc.string(), async (object, label) => {
        expect(await parse(JSON.stringify(object), label)).toEqual(JSON.parse(JSON.stringify(object)));
      }),
      { numRuns: 300, seed: 4_712 },
    );
  });
});
