"""Contact sheets."""
import numpy as np
from PIL import Image

from .captions import caption
from .compose import sample_scene
from .painter import render

ASPECTS = (1.0, 1.0, 1.25, 0.8, 1.5, 0.667)


def size_of(aspect, size):
    """(width, height): multiples of 16 whose shorter side is about size / sqrt of the aspect's stretch."""
    k = aspect ** .5
    return max(64, int(round(size * k / 16)) * 16), max(64, int(round(size / k / 16)) * 16)


def contact_sheet(seed, count, size, style, aspect=None, captions=False):
    """PIL image with the scenes seed .. seed + count - 1; prints captions if asked."""
    columns = max(1, int(np.ceil(count ** .5)))
    cell = int(size * (1.25 if aspect is None else max(aspect, 1 / aspect) ** .5)) + 6
    rows = -(-count // columns)
    sheet = Image.new("RGB", (columns * cell, rows * cell), (30, 30, 34))
    for i in range(count):
        a = aspect or ASPECTS[(seed + i) % len(ASPECTS)]
        scene = sample_scene(seed + i, a)
        w, h = size_of(a, size)
        sheet.paste(Image.fromarray(render(scene, w, h, style)),
                    (i % columns * cell + (cell - w) // 2, i // columns * cell + (cell - h) // 2))
        if captions:
            print(f"{seed + i}: {caption(scene, seed + i, style)}")
    return sheet
