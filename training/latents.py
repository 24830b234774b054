"""Stage 4: renders scenes at half size, encodes them with the frozen encoder and tokenizes several captions of each.
`python -m training.latents --style base`, then one run for each adapter's style."""

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from training.networks import load_autoencoder, load_tokenizer
from training.pictures import rendered_chunks, training_scene
from training.scenes import STYLES, caption
from training.stage import WORK, pick_device
from training.starter_models import LATENT_CHANNELS, PIXELS_PER_LATENT
from training.text import MAX_TEXT_TOKENS, token_ids

CAPTIONS_PER_SCENE = 4
FIRST_SEED, SEEDS_PER_STYLE, SEEDS_PER_BUCKET, SEEDS_PER_PART = 100_000_000, 20_000_000, 2_000_000, 100_000
MOST_PARTS = SEEDS_PER_BUCKET // SEEDS_PER_PART
# (width, height) of the finished picture, and the share of the pictures that have this shape.
BUCKETS = [((256, 256), 0.64), ((320, 192), 0.1), ((192, 320), 0.1), ((288, 224), 0.08), ((224, 288), 0.08)]


def bucket_name(style: str, size: tuple[int, int], part: int) -> str:
    return f"{style}-{size[0]}x{size[1]}-{part}"


def finished_parts(style: str, size: tuple[int, int]) -> list[str]:
    """Names of the parts of this shape that are there."""
    names = [bucket_name(style, size, part) for part in range(MOST_PARTS)]
    return [name for name in names if (WORK / f"latents-{name}.npy").exists()]


def caption_rows(tokenizer: Tokenizer, scene, seed: int, style: str) -> list[list[int]]:
    """Token ids of several captions. One in four of a base scene's captions has some adapter's wording, so that
    trigger words alone do not change the base model's picture."""
    rows = []
    for index in range(CAPTIONS_PER_SCENE):
        wording = STYLES[1 + seed % (len(STYLES) - 1)] if style == "base" and index == CAPTIONS_PER_SCENE - 1 else style
        rows.append(token_ids(tokenizer, caption(scene, seed * CAPTIONS_PER_SCENE + index, wording)))
    return rows


def write_bucket(name: str, style: str, first_seed: int, count: int, size: tuple[int, int], weights: Path | None, workers: int | None) -> None:
    """latents-NAME.npy: float16 [count, 16, height/16, width/16]; tokens-NAME.npy: uint16 [count, captions, 128]."""
    width, height = size
    device = pick_device()
    encoder = load_autoencoder(str(weights or "autoencoder")).encoder.to(device, memory_format=torch.channels_last)
    tokenizer = load_tokenizer(weights)
    partial = WORK / f"latents-{name}.partial"
    latents = np.lib.format.open_memmap(partial, "w+", np.float16, (count, LATENT_CHANNELS, height // PIXELS_PER_LATENT, width // PIXELS_PER_LATENT))
    tokens = np.zeros((count, CAPTIONS_PER_SCENE, MAX_TEXT_TOKENS), np.uint16)
    for seeds, pictures in rendered_chunks(first_seed, count, width // 2, height // 2, (style,), workers):
        start = seeds[0] - first_seed
        batch = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
            encoded = encoder(batch)
        latents[start : start + len(seeds)] = encoded.float().cpu().numpy()
        for offset, seed in enumerate(seeds):
            scene = training_scene(seed, width / height)
            for index, row in enumerate(caption_rows(tokenizer, scene, seed, style)):
                tokens[start + offset, index, : len(row)] = row
        if (start // len(seeds)) % 32 == 0:
            print(name, start + len(seeds), "of", count, flush=True)
    latents.flush()
    np.save(WORK / f"tokens-{name}.npy", tokens)
    os.replace(partial, WORK / f"latents-{name}.npy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--style", choices=STYLES, required=True)
    parser.add_argument("--count", type=int, default=40_000)
    parser.add_argument("--from-weights", type=Path, help="use the shipped encoder and tokenizer (models/starter)")
    parser.add_argument("--part", type=int, choices=range(MOST_PARTS), default=0, help="another part: other scenes, beside those that are there")
    parser.add_argument("--workers", type=int, help="processes that render (default: one for each processor)")
    options = parser.parse_args()
    if options.count > SEEDS_PER_PART:
        parser.error(f"a part has at most {SEEDS_PER_PART} scenes: --count {SEEDS_PER_PART} or fewer, then the next --part")
    torch.manual_seed(0)
    for index, (size, share) in enumerate(BUCKETS):
        name = bucket_name(options.style, size, options.part)
        if (WORK / f"latents-{name}.npy").exists():
            print(name, "exists")
            continue
        first_seed = FIRST_SEED + STYLES.index(options.style) * SEEDS_PER_STYLE + index * SEEDS_PER_BUCKET + options.part * SEEDS_PER_PART
        write_bucket(name, options.style, first_seed, int(options.count * share), size, options.from_weights, options.workers)


if __name__ == "__main__":
    main()
