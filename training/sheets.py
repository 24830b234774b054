"""Sample sheets over time: one row of pictures at a checkpoint of the base, and all rows as one picture.
`python -m training.sheets --out docs/gallery/training.webp` joins the rows that `training.base --sheets 200` wrote."""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from training.networks import load_autoencoder, load_tokenizer
from training.sample import draw, native_size
from training.stage import WORK, pick_device

FOLDER = WORK / "sheets"
PROMPTS = ("a large red planet with rings over blue mountains", "a blue planet to the left of a white tower",
           "a gold palace beside a sea under two moons", "a woman with blonde hair in a blue dress, portrait",
           "a woman in a red dress sitting on a throne")
STEPS, GUIDANCE, SEED, TILE_PIXELS = 12, 7.5, 1, 128


@torch.no_grad()
def write_sheet(networks: dict[str, torch.nn.Module], step: int, weights: Path | None) -> None:
    """One row for this step, the same prompts and seed each time, with true guidance. `weights`: where decoder and tokenizer are."""
    decoder, tokenizer = load_autoencoder(str(weights or "base")), load_tokenizer(weights)
    pictures = [draw(networks, decoder, tokenizer, prompt, native_size(decoder), [SEED], STEPS, GUIDANCE, True, pick_device())[0]
                for prompt in PROMPTS]
    FOLDER.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(pictures, 1)).save(FOLDER / f"base-{step:06}.png")


def joined(paths: list[Path]) -> Image.Image:
    """All rows below each other, the earliest on top."""
    rows = [Image.open(path).convert("RGB").resize((TILE_PIXELS * len(PROMPTS), TILE_PIXELS), Image.Resampling.LANCZOS) for path in paths]
    sheet = Image.new("RGB", (rows[0].width, TILE_PIXELS * len(rows)))
    for index, row in enumerate(rows):
        sheet.paste(row, (0, index * TILE_PIXELS))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    paths = sorted(FOLDER.glob("base-*.png"))
    if not paths:
        raise SystemExit("no sheets yet: python -m training.base --sheets 200")
    joined(paths).save(options.out, quality=85)
    print(options.out, "from", ", ".join(path.stem for path in paths))


if __name__ == "__main__":
    main()
