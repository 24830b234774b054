import { describe, expect, it } from "vitest";

import { manifestSchema } from "./manifest.ts";
import type { Manifest } from "./manifest.ts";
import { toolQueryFields, toolQueryOf } from "./wire-tool-query.ts";
import { searchTools } from "./wire-tool-search.ts";

function model(id: string, fields: Partial<Manifest>): Manifest {
  return manifestSchema.parse({
    id, owner: "Atelier", slug: `m${id}`, title: `M${id}`, description: "", cover: "", categories: ["model"],
    cps: "0.000100000000", parameters: [], variants: [{ name: "v", engine: "fake", base: "b" }],
    ...fields,
  });
}

const baroque = model("1", {
  owner: "ArsMachina", slug: "Baroque-Space-Opera-v1", title: "Baroque Space Opera v1", tags: ["style", "baroque"],
  categories: ["model", "text-to-image"],
  examples: [{ prompt: "A woman in a wedding dress with a veil" }],
});
const starter = model("2", {
  slug: "Starter", title: "Starter", tags: ["cpu"], description: "Draws pictures of planets and moons.",
  categories: ["model", "text-to-image", "base-model"],
});
const enlarge = model("3", {
  slug: "Enlarge", title: "Enlarge", tags: ["upscale"], description: "Makes one picture larger.",
  categories: ["model", "image-to-image"],
});
const sheet = model("10", { slug: "Contact-Sheet", title: "Contact sheet", categories: ["model", "image-to-image"] });
const all = [baroque, starter, enlarge, sheet];

const ids = (fields: Record<string, unknown>): string[] => searchTools(all, toolQueryOf(toolQueryFields.parse(fields))).tools.map((one) => one.id);

describe("searchTools", () => {
  it("lists everything with the newest first where nothing is asked", () => {
    expect(ids({})).toEqual(["10", "3", "2", "1"]);
    expect(ids({ order: "asc" })).toEqual(["1", "2", "3", "10"]);
  });

  it.each(["id", "time", "ratedusercount", "commentcount", "averagepoint", "relevance", "", "something else"])(
    "takes sort %j",
    (sort) => {
      expect(ids({ sort, search: "" })).toEqual(["10", "3", "2", "1"]);
    },
  );

  it("puts the best match first for a whole sentence, without an order", () => {
    const search = "I want to create a baroque portrait of a woman in a dress";
    expect(ids({ search, sort: "relevance" })[0]).toBe("1");
    expect(ids({ search: "make my picture larger please", sort: "relevance" })).toEqual(["3", "2"]);
  });

  it("leaves out what has none of the words", () => {
    expect(ids({ search: "upscale" })).toEqual(["3"]);
    expect(ids({ search: "xylophone" })).toEqual([]);
  });

  it("does not let words that every sentence has find anything", () => {
    expect(ids({ search: "the best model for me" })).toEqual(["10", "3", "2", "1"]);
    expect(ids({ search: "a model that plays xylophone" })).toEqual([]);
  });

  it.each(["ArsMachina/Baroque-Space-Opera-v1", "arsmachina/baroque-space-opera-v1", "Baroque Space Opera v1"])(
    "finds a model by its name %j first",
    (search) => {
      expect(ids({ search, sort: "relevance" })[0]).toBe("1");
    },
  );

  it("puts the model that is named before others with the same words", () => {
    const moons = [model("1", { slug: "Moon", title: "A" }), model("2", { slug: "Moon-Moon", title: "B" })];
    const first = (search: string) => searchTools(moons, toolQueryOf(toolQueryFields.parse({ search, sort: "relevance" }))).tools[0]?.id;
    expect(["moon", "MOON ", "atelier/moon", "a", "moon moon"].map(first)).toEqual(["1", "1", "1", "2", "2"]);
  });

  it.each(["BAROQUE", "bároque", "baro", "planet", "starters"])("finds %j", (search) => {
    expect(ids({ search })).toHaveLength(1);
  });

  it("filters by any of the categories, by tags and by owner", () => {
    expect(ids({ categories: ["image-to-image"] })).toEqual(["10", "3"]);
    expect(ids({ categories: ["base-model", "Image-To-Image"] })).toEqual(["10", "3", "2"]);
    expect(ids({ categories: [], tags: [] })).toHaveLength(4);
    expect(ids({ tags: ["cpu", "baroque"] })).toEqual(["2", "1"]);
    expect(ids({ slugowner: " arsMachina" })).toEqual(["1"]);
    expect(ids({ slugowner: "atelier", categories: ["text-to-image"] })).toEqual(["2"]);
    expect(ids({ categories: ["text"] })).toEqual([]);
  });

  it("pages, and counts what it does not show", () => {
    const page = (start: string, limit: string) => {
      const { total, tools } = searchTools(all, toolQueryOf(toolQueryFields.parse({ start, limit, order: "ASC" })));
      return [total, ...tools.map((one) => one.id)];
    };
    expect(page("0", "3")).toEqual([4, "1", "2", "3"]);
    expect(page("3", "3")).toEqual([4, "10"]);
    expect(page("4", "3")).toEqual([4]);
  });
});

describe("the query", () => {
  it("reads lists however a form or a program writes them", () => {
    for (const categories of [["a", "B"], "a,B", '["a","B"]', "a, b"]) {
      expect(toolQueryOf(toolQueryFields.parse({ categories })).categories).toEqual(["a", "b"]);
    }
    for (const nothing of [undefined, null, "", [], "[", "[1]", 5, {}]) {
      expect(toolQueryOf(toolQueryFields.parse({ categories: nothing })).categories).toEqual([]);
    }
  });

  it("pages by defaults where it is told nothing that makes sense", () => {
    for (const nonsense of [undefined, null, "", "-1", "x", "1.5", {}, ["a"], true]) {
      expect(toolQueryOf(toolQueryFields.parse({ start: nonsense, limit: nonsense, order: nonsense }))).toMatchObject({
        start: 0, limit: 20, descending: true,
      });
    }
    expect(toolQueryOf(toolQueryFields.parse({ start: 5, limit: "0" }))).toMatchObject({ start: 5, limit: 20 });
    expect(toolQueryOf(toolQueryFields.parse({ start: ["7"], limit: "9999" }))).toMatchObject({ start: 7, limit: 100 });
  });
});
