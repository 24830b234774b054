import { describe, expect, it } from "vitest";

import { manifestSchema } from "./manifest.ts";
import { noStatistics, wireTool, wireToolDetail } from "./wire-tool.ts";
import type { ToolContext } from "./wire-tool.ts";
import { exploreGroups } from "./wire-tool-explore.ts";

const manifest = manifestSchema.parse({
  id: "1", owner: "Some One", slug: "Try On", title: "Try on", description: "Dresses people.", cover: "c.png",
  categories: ["model", "image-to-image"], tags: ["dress"], cps: "0.000585000000",
  parameters: [
    {
      title: "Look",
      items: [
        { id: "prompt", type: "textarea", label: "prompt", note: "prompt-help", required: true, placeholder: "A gown" },
        { id: "pose", type: "select", label: "Pose", default: "sit", options: [{ label: "Sitting", value: "sit" }], advanced: true },
        { id: "steps", type: "number", label: "steps", note: "unknown-help", default: "8", min: 1, max: 9, step: 1 },
        { id: "seed", type: "text", label: "seed", default: "", min: 0, max: 9, role: "seed", description: "Own words." },
      ],
    },
  ],
  examples: [{ prompt: "A gown", steps: "4" }],
  variants: [{ name: "v", engine: "fake", base: "b" }],
});

const context: ToolContext & { readme: string } = {
  imageUrl: "https://h.example/c.png",
  statistics: { runCount: 12, successCount: 9, errorCount: 2, lastRunAt: new Date(1734513807_900), meanElapsedSeconds: "6.0004" },
  textOf: (key) => ({ "prompt-help": "What the picture shows." })[key],
  readme: "<p>Dresses people.</p>",
};

const listed = {
  id: "1",
  title: "Try on",
  slugowner: "Some One",
  slugproject: "Try On",
  cleanslugowner: "some-one",
  cleanslugproject: "try-on",
  description: "Dresses people.",
  seotitle: "Try on by Some One",
  seodescription: "Dresses people.",
  image: "https://h.example/c.png",
  categories: ["model", "image-to-image"],
  tags: ["dress"],
  computingtime: "6 seconds",
  marketplace: 1,
  onlymembers: "1",
  averagepoint: "0",
  commentcount: "0",
  ratedusercount: "0",
  dynamicprice: '[{"inputs":{},"price":0.000585,"priceMethod":"cps"}]',
  cps: "0.000585000000",
  approximatelycost: "0.003510234000",
  taskstat: { runcount: 12, successcount: "9", errorcount: "2", lastruntime: "1734513807" },
};

describe("wireTool", () => {
  it("tells what a run with the defaults costs where it is not charged by the second, also before any was measured", () => {
    const unmeasured = { ...context, statistics: noStatistics };
    const priced = (priceMethod: "cpr" | "cpo", inputs = {}) => ({ ...manifest, prices: [{ inputs, price: "0.04", priceMethod }] });
    expect(wireTool(priced("cpr"), unmeasured)).toMatchObject({
      dynamicprice: '[{"inputs":{},"price":0.04,"priceMethod":"cpr"}]',
      approximatelycost: "0.040000000000",
    });
    expect(wireTool(priced("cpo", { pose: "sit" }), unmeasured).approximatelycost).toBe("0.040000000000");
    expect(wireTool(priced("cpo", { pose: "stand" }), context).approximatelycost).toBe(listed.approximatelycost);
  });

  it.each([
    [{ id: "hd", type: "checkbox", label: "hd" }, { hd: "false" }],
    [{ id: "photo", type: "fileinput", label: "photo", default: "samples/a.png", required: true }, { photo: "QUANTITY:1" }],
    [{ id: "motifs", type: "multiselect", label: "motifs", default: "a,b", options: [{ label: "A", value: "a" }, { label: "B", value: "b" }] }, { motifs: "QUANTITY:2" }],
    [{ id: "scale", type: "float", label: "scale", default: "7.50", min: 0, max: 30 }, { scale: "7.5" }],
    [{ id: "ground", type: "color", label: "ground", default: "#FFF" }, { ground: "#ffffff" }],
  ])("prices a run with the defaults by the values that it would store: %j", (item, inputs) => {
    const { parameters } = manifestSchema.parse({ ...manifest, parameters: [{ title: "", items: [item] }] });
    const prices = [{ inputs, price: "0.04", priceMethod: "cpr" as const }];
    expect(wireTool({ ...manifest, parameters, prices }, context).approximatelycost).toBe("0.040000000000");
  });

  it("writes every field of a list in the form of the contract", () => {
    expect(wireTool(manifest, context)).toEqual(listed);
  });

  it("leaves the means empty while nothing has been measured", () => {
    expect(wireTool(manifest, { ...context, statistics: noStatistics })).toEqual({
      ...listed,
      computingtime: "",
      approximatelycost: "",
      taskstat: { runcount: 0, successcount: "0", errorcount: "0", lastruntime: "0" },
    });
  });

  it.each([
    ["0.0000", "1 second", "0.000000000000"],
    ["0.6000", "1 second", "0.000351000000"],
    ["90.5000", "91 seconds", "0.052942500000"],
    ["123456789.1234", "123456789 seconds", "72222.221637189000"],
  ])("writes a mean of %s seconds as %j and %j", (meanElapsedSeconds, computingtime, approximatelycost) => {
    const statistics = { ...context.statistics, meanElapsedSeconds };
    expect(wireTool(manifest, { ...context, statistics })).toMatchObject({ computingtime, approximatelycost });
  });
});

describe("wireToolDetail", () => {
  it("adds the readme, samples, parameter groups and examples", () => {
    expect(wireToolDetail(manifest, context)).toEqual({
      ...listed,
      readme: "<p>Dresses people.</p>",
      samples: ["https://h.example/c.png"],
      parameters: [
        {
          title: "Look",
          items: [
            {
              id: "prompt", type: "textarea", label: "prompt", note: "prompt-help", required: true, default: "",
              description: "What the picture shows.", placeholder: "A gown",
            },
            {
              id: "pose", type: "select", label: "Pose", note: "", required: false, default: "sit", advanced: true,
              options: [{ label: "Sitting", value: "sit" }],
            },
            {
              id: "steps", type: "number", label: "steps", note: "unknown-help", required: false, default: "8",
              min: 1, max: 9, step: 1,
            },
            { id: "seed", type: "text", label: "seed", note: "", required: false, default: "", description: "Own words." },
          ],
        },
      ],
      inspire: [{ prompt: "A gown", steps: "4" }],
    });
  });
});

describe("exploreGroups", () => {
  const other = { ...manifest, id: "2", categories: ["tool", "text-to-image"] };

  it("shows the most run, the newest and each kind, none of them empty", () => {
    const groups = exploreGroups([manifest, other], (one) => (one.id === "1" ? 3 : 0));
    expect(groups.map(({ id, title, total, manifests }) => [id, title, total, manifests.map((one) => one.id)])).toEqual([
      ["most-run", "Most run", 1, ["1"]],
      ["newest", "Newest", 2, ["2", "1"]],
      ["image-to-image", "Image to image", 1, ["1"]],
      ["text-to-image", "Text to image", 1, ["2"]],
    ]);
    expect(exploreGroups([], () => 0)).toEqual([]);
  });

  it("shows the first twelve of a group and counts the rest", () => {
    const many = Array.from({ length: 15 }, (_, at) => ({ ...manifest, id: String(at + 1) }));
    const [newest] = exploreGroups(many, () => 0);
    expect([newest?.total, newest?.manifests.length, newest?.manifests[0]?.id]).toEqual([15, 12, "15"]);
  });
});
