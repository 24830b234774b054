"""Renders scenes into memory-mapped files, in several processes."""

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from training.scenes import render, sample_mixture

CHUNK = 64
# More of what a model learns slowly: bound colours, counts, places, faces.
SHARES = {"lone planet": 0.04, "relation": 0.14, "count": 0.3, "moons": 0.08, "portrait": 0.04, "building": 0.06, "couple": 0.03,
          "seat": 0.04, "frame": 0.02, "bright space": 0.02, "saucer": 0.03, "comet": 0.02, "flowers": 0.02}


def training_scene(seed: int, aspect: float = 1.0):
    return sample_mixture(seed, aspect, SHARES)


def render_chunk(seeds: list[int], width: int, height: int, styles: list[str]) -> np.ndarray:
    """uint8 [pictures, height, width, 3], one style per seed."""
    pictures = [render(training_scene(seed, width / height), width, height, style=style)
                for seed, style in zip(seeds, styles)]
    return np.stack(pictures)


def style_of(seed: int, styles: tuple[str, ...]) -> str:
    """One of the styles for each seed. A style that is listed twice is drawn twice as often."""
    return styles[(seed * 2654435761 % 2**32) * len(styles) >> 32]


def rendered_chunks(first_seed: int, count: int, width: int, height: int, styles: tuple[str, ...], workers: int | None = None):
    """Yields (seeds, pictures) in order. The pool holds few chunks at a time, so memory stays flat."""
    chunks = [list(range(start, min(start + CHUNK, first_seed + count)))
              for start in range(first_seed, first_seed + count, CHUNK)]
    with ProcessPoolExecutor(workers or os.cpu_count()) as pool:
        waiting = []
        for seeds in chunks:
            chosen = [style_of(seed, styles) for seed in seeds]
            waiting.append((seeds, pool.submit(render_chunk, seeds, width, height, chosen)))
            if len(waiting) > 8:
                seeds, future = waiting.pop(0)
                yield seeds, future.result()
        for seeds, future in waiting:
            yield seeds, future.result()


def picture_file(folder: Path, first_seed: int, count: int, size: int, styles: tuple[str, ...]) -> np.ndarray:
    """Square pictures as one memory-mapped array [count, size, size, 3]; rendered once, then reused."""
    path = folder / f"pictures-{size}-{first_seed}-{count}-{len(styles)}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        array = np.lib.format.open_memmap(partial, "w+", np.uint8, (count, size, size, 3))
        for seeds, pictures in rendered_chunks(first_seed, count, size, size, styles):
            array[seeds[0] - first_seed : seeds[-1] - first_seed + 1] = pictures
        array.flush()
        os.replace(partial, path)
    return np.load(path, mmap_mode="r")
