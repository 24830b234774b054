"""Measures whether pictures follow their prompts: `python -m training.probe --count 64`.

Draws a picture for the caption of each held-out scene and compares it, as an 8x8 grid of mean colours, with what the
generator draws for that scene and for the other scenes. A model that ignores its prompt is nearer to its own scene than to
another one in half of the pairs (the shuffled-caption baseline)."""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from training.networks import load_autoencoder, load_networks, load_tokenizer
from training.sample import draw, native_size
from training.scenes import caption, render, sample_scene
from training.stage import pick_device

FIRST_HELD_OUT_SEED = 900_000_000
GRID = 8


def grid_of(picture: np.ndarray) -> np.ndarray:
    """Mean colours, float [GRID * GRID * 3], of a uint8 picture [side, side, 3]."""
    side = picture.shape[0] // GRID
    return picture.reshape(GRID, side, GRID, side, 3).mean(axis=(1, 3)).ravel()


def distances(drawn: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Mean absolute colour difference, [drawn pictures, real scenes], 0-255."""
    return np.abs(drawn[:, None, :] - real[None, :, :]).mean(axis=2)


def scores(table: np.ndarray) -> dict:
    """Ratios over all pictures: nearer to the own scene than to another; own scene is the nearest of all."""
    count = len(table)
    own = np.diag(table)
    others = ~np.eye(count, dtype=bool)
    nearer = (own[:, None] < table)[others].mean()
    ranks = (table < own[:, None]).sum(axis=1)
    return {
        "pictures": count,
        "nearer_to_own_scene_ratio": round(float(nearer), 3),
        "nearer_baseline_ratio": 0.5,
        "own_scene_nearest_ratio": round(float((ranks == 0).mean()), 3),
        "nearest_baseline_ratio": round(1 / count, 3),
        "own_distance": round(float(own.mean()), 1),
        "other_distance": round(float(table[others].mean()), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="models/starter")
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--guidance", type=float, default=3.5)
    options = parser.parse_args()
    device = pick_device()
    networks = {name: network.to(device).eval() for name, network in load_networks(options.source).items()}
    for network in networks.values():
        network.to(torch.bfloat16)
    tokenizer, decoder = load_tokenizer(Path(options.source)), load_autoencoder(options.source)
    size = native_size(decoder)
    drawn, real = [], []
    for seed in range(FIRST_HELD_OUT_SEED, FIRST_HELD_OUT_SEED + options.count):
        scene = sample_scene(seed)
        prompt = caption(scene, seed)
        picture = draw(networks, decoder, tokenizer, prompt, size, [seed % 1000], options.steps, options.guidance, False, device)
        drawn.append(grid_of(picture[0]))
        real.append(grid_of(render(scene, *size)))
    print(json.dumps(scores(distances(np.stack(drawn), np.stack(real)))))


if __name__ == "__main__":
    main()
