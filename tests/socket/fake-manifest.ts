// The one model of the listening servers under test: the fake engine draws one pixel.

const number = (id: string, value: string, max: number): object => {
  return { id, type: "number", label: id, default: value, min: 1, max };
};

export const fakeManifest = {
  id: "9001",
  owner: "test",
  slug: "fake",
  title: "Fake",
  description: "One pixel.",
  cover: "none.png",
  categories: ["model"],
  cps: "0.000585000000",
  parameters: [
    {
      title: "Input",
      items: [
        { id: "prompt", type: "textarea", label: "prompt", default: "a pixel" },
        number("samples", "1", 8),
        number("steps", "3", 1_000),
        number("scale", "1", 30),
        { id: "seed", type: "text", label: "seed", role: "seed", default: "7", min: 0, max: 4_294_967_295 },
        number("width", "64", 64),
        number("height", "64", 64),
      ],
    },
  ],
  variants: [{ name: "fake", engine: "fake", base: "." }],
};
