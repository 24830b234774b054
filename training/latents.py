"""Stage 3: renders scenes, encodes them with the frozen autoencoder and tokenizes several captions of each.
`python -m training.latents --group small` (half size) or `--group native`, `--group adapter`."""

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from training.networks import load_autoencoder, load_tokenizer
from training.pictures import STYLES, rendered_chunks
from training.scenes import caption, sample_scene
from training.stage import WORK, pick_device
from training.text import MAX_TEXT_TOKENS, token_ids

CAPTIONS_PER_SCENE = 4
# (width, height) of each aspect bucket with its share, and the first seed of the group.
GROUPS = {
    "small": ([((128, 128), 0.72), ((160, 96), 0.14), ((96, 160), 0.14)], 10_000_000, 0.0),
    "native": ([((256, 256), 0.70), ((304, 208), 0.15), ((208, 304), 0.15)], 20_000_000, 0.0),
    "adapter-small": ([((128, 128), 0.72), ((160, 96), 0.14), ((96, 160), 0.14)], 30_000_000, 1.0),
    "adapter": ([((256, 256), 0.70), ((304, 208), 0.15), ((208, 304), 0.15)], 40_000_000, 1.0),
}


def caption_rows(tokenizer: Tokenizer, scene, seed: int, adapter: bool) -> list[list[int]]:
    """Token ids of several captions. Base scenes get the adapter's wording in one of four captions,
    so that the trigger words alone do not change the base model's picture."""
    rows = []
    for index in range(CAPTIONS_PER_SCENE):
        style = STYLES[1] if adapter or index == CAPTIONS_PER_SCENE - 1 else STYLES[0]
        rows.append(token_ids(tokenizer, caption(scene, seed * CAPTIONS_PER_SCENE + index, style)))
    return rows


def write_bucket(name: str, first_seed: int, count: int, size: tuple[int, int], adapter_share: float,
                 weights: Path | None) -> None:
    """latents-NAME.npy: float16 [count, 16, height/8, width/8]; tokens-NAME.npy: uint16 [count, captions, 128]."""
    width, height = size
    device = pick_device()
    encoder = load_autoencoder(str(weights or "autoencoder")).encoder.to(device, memory_format=torch.channels_last)
    tokenizer = load_tokenizer(weights)
    partial = WORK / f"latents-{name}.partial"
    latents = np.lib.format.open_memmap(partial, "w+", np.float16, (count, 16, height // 8, width // 8))
    tokens = np.zeros((count, CAPTIONS_PER_SCENE, MAX_TEXT_TOKENS), np.uint16)
    for seeds, pictures in rendered_chunks(first_seed, count, width, height, adapter_share):
        start = seeds[0] - first_seed
        batch = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
            encoded = encoder(batch)
        latents[start : start + len(seeds)] = encoded.float().cpu().numpy()
        for offset, seed in enumerate(seeds):
            scene = sample_scene(seed, aspect=width / height)
            for index, row in enumerate(caption_rows(tokenizer, scene, seed, adapter_share > 0)):
                tokens[start + offset, index, : len(row)] = row
        if (start // len(seeds)) % 32 == 0:
            print(name, start + len(seeds), "of", count, flush=True)
    latents.flush()
    np.save(WORK / f"tokens-{name}.npy", tokens)
    os.replace(partial, WORK / f"latents-{name}.npy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--group", choices=GROUPS, required=True)
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--from-weights", type=Path, help="use the shipped encoder and tokenizer (models/starter)")
    options = parser.parse_args()
    buckets, first_seed, adapter_share = GROUPS[options.group]
    torch.manual_seed(0)
    for index, (size, share) in enumerate(buckets):
        name = f"{options.group}-{size[0]}x{size[1]}"
        if (WORK / f"latents-{name}.npy").exists():
            print(name, "exists")
            continue
        write_bucket(name, first_seed + index * 2_000_000, int(options.count * share), size, adapter_share,
                     options.from_weights)


if __name__ == "__main__":
    main()
