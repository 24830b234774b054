"""Renders scenes into memory-mapped files, in several processes."""

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

STYLES = ("base", "baroque-space-opera")
CHUNK = 64


def render_chunk(seeds: list[int], width: int, height: int, styles: list[str]) -> np.ndarray:
    """uint8 [pictures, height, width, 3], one style per seed."""
    from training.scenes import render, sample_scene

    pictures = [render(sample_scene(seed, aspect=width / height), width, height, style=style)
                for seed, style in zip(seeds, styles)]
    return np.stack(pictures)


def mixed_style(seed: int, adapter_share: float) -> str:
    """A style per seed: `adapter_share` of all seeds are drawn in the adapter's style."""
    return STYLES[1] if (seed * 2654435761 % 2**32) / 2**32 < adapter_share else STYLES[0]


def rendered_chunks(first_seed: int, count: int, width: int, height: int, adapter_share: float, workers: int | None = None):
    """Yields (seeds, pictures) in order. The pool holds few chunks at a time, so memory stays flat."""
    chunks = [list(range(start, min(start + CHUNK, first_seed + count)))
              for start in range(first_seed, first_seed + count, CHUNK)]
    with ProcessPoolExecutor(workers or os.cpu_count()) as pool:
        waiting = []
        for seeds in chunks:
            styles = [mixed_style(seed, adapter_share) for seed in seeds]
            waiting.append((seeds, pool.submit(render_chunk, seeds, width, height, styles)))
            if len(waiting) > 8:
                seeds, future = waiting.pop(0)
                yield seeds, future.result()
        for seeds, future in waiting:
            yield seeds, future.result()


def picture_file(folder: Path, first_seed: int, count: int, size: int, adapter_share: float) -> np.ndarray:
    """Square pictures as one memory-mapped array [count, size, size, 3]; rendered once, then reused."""
    path = folder / f"pictures-{size}-{first_seed}-{count}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        array = np.lib.format.open_memmap(partial, "w+", np.uint8, (count, size, size, 3))
        for seeds, pictures in rendered_chunks(first_seed, count, size, size, adapter_share):
            array[seeds[0] - first_seed : seeds[-1] - first_seed + 1] = pictures
        array.flush()
        os.replace(partial, path)
    return np.load(path, mmap_mode="r")
