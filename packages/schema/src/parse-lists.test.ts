import { expect, it } from "vitest";

import type { Parameter } from "./manifest.ts";
import { listedTexts } from "./parse-choices.ts";
import { parseFiles } from "./parse-files.ts";

/** More than the arguments that one call takes. */
const many = 400_000;

it("a longer list of choices than one call takes is read", () => {
  expect(listedTexts("a,".repeat(many))).toEqual(["a"]);
  expect(listedTexts(`["b"${',"b"'.repeat(many)}]`)).toEqual(["b"]);
});

it("a longer list of files than one call takes is refused", () => {
  const parameter = { id: "inputImage", type: "multifileinput", required: true, default: "" } as Parameter;
  const rules = { fileParts: {}, most: 4, urlCharacters: 2_000 };
  const list = `["/a"${',"/a"'.repeat(many)}]`;
  expect(parseFiles(parameter, { inputImage: list }, rules)).toEqual({ problem: "PARAMETER_OUT_OF_RANGE" });
});
