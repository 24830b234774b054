"""Arrays in memory-mapped files that are filled piece by piece, and go on after a stop where they were."""

import os
from pathlib import Path

import numpy as np


class GrowingArrays:
    """`shapes`: name of each array -> its kind of number and its whole shape; all have one row for each example."""

    def __init__(self, folder: Path, name: str, shapes: dict[str, tuple[type, tuple[int, ...]]]):
        folder.mkdir(parents=True, exist_ok=True)
        self.count = next(iter(shapes.values()))[1][0]
        self.done_path = folder / f"{name}-done-{self.count}.txt"
        self.done = int(self.done_path.read_text()) if self.done_path.exists() else 0
        self.arrays = [np.lib.format.open_memmap(folder / f"{name}-{part}-{self.count}.npy", "r+" if self.done else "w+", kind, shape)
                       for part, (kind, shape) in shapes.items()]

    def append(self, *parts) -> None:
        """The next rows of every array. Counted as there only once they are written."""
        end = self.done + len(parts[0])
        for array, rows in zip(self.arrays, parts):
            array[self.done : end] = rows
            array.flush()
        self.done_path.with_suffix(".tmp").write_text(str(end))
        os.replace(self.done_path.with_suffix(".tmp"), self.done_path)
        self.done = end
        print(f"{self.done_path.stem} {end}/{self.count}", flush=True)
