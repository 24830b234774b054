// Enlarges one picture: by a factor, or to a size.

import sharp from "sharp";

import { checkOutputSize } from "./encode-output.ts";
import { limits } from "./limits.ts";
import { asUnreadable, openPicture } from "./open-picture.ts";
import type { OpenedPicture } from "./open-picture.ts";
import { TransformError } from "./transform-error.ts";
import type { Operation } from "./transform-run.ts";

const kernels = ["lanczos3", "lanczos2", "mitchell", "cubic", "linear", "nearest"] as const;
const fits = ["inside", "cover", "fill"] as const;

/** Values: `factor`; `width` and `height` (0: not given), which together win over it; `fit`, `kernel`. */
export const enlarge: Operation = async ({ values, filesOf, plan, step }) => {
  const [file] = filesOf("image");
  if (!file) throw new TransformError("INPUT_INVALID", "There is no picture.");
  plan(1);
  const picture = await openPicture(file);
  const size = targetSize(picture, values);
  checkOutputSize(size.width, size.height, limits.enlargedPixels);
  step();
  const kernel = oneOf(kernels, values["kernel"]);
  const pipeline = picture.decode().resize({ ...size, fit: oneOf(fits, values["fit"]), kernel: sharp.kernel[kernel] });
  return { pipeline, asFailure: (error) => asUnreadable(picture.name, error) };
};

/** Whole pixels, each side at least one. One side given: the other follows the picture's shape. `fit` "inside" keeps the shape
 *  within both sides, so that one of them may come out smaller. */
function targetSize(picture: OpenedPicture, values: Readonly<Record<string, unknown>>): { width: number; height: number } {
  const [width, height] = [Number(values["width"] ?? 0), Number(values["height"] ?? 0)];
  const ratios = [width / picture.widthPixels, height / picture.heightPixels].filter((ratio) => ratio > 0);
  const isExact = ratios.length === 2 && oneOf(fits, values["fit"]) !== "inside";
  if (isExact) return { width, height };
  const ratio = ratios.length > 0 ? Math.min(...ratios) : Number(values["factor"] ?? 2);
  const scaled = (pixels: number): number => Math.max(1, Math.round(pixels * ratio));
  return { width: scaled(picture.widthPixels), height: scaled(picture.heightPixels) };
}

function oneOf<Value extends string>(known: readonly [Value, ...Value[]], value: unknown): Value {
  return known.find((one) => one === value) ?? known[0];
}
