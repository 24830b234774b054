"""Named colours, skies and looks: every colour that a caption can say, per style.

Colours are RGB tuples of floats in 0..255. A tone is (light, mid, dark) of one named colour.
"""
from collections.abc import Callable
from dataclasses import dataclass, replace

from . import finishes


def rgb(code):
    """'#rrggbb' -> (r, g, b) in 0..255."""
    return tuple(int(code[i:i + 2], 16) for i in (1, 3, 5))


def mix(a, b, t):
    """Linear blend of two RGB tuples, t in 0..1 (0 gives a)."""
    return tuple(x + (y - x) * t for x, y in zip(a, b))


def argb(c, alpha=1.0):
    """RGB tuple and opacity in 0..1 -> the 32-bit integer that skia takes."""
    r, g, b = (min(255, max(0, int(v + 0.5))) for v in c)
    return (min(255, max(0, int(alpha * 255 + 0.5))) << 24) | (r << 16) | (g << 8) | b


def _tones(table):
    return {name: tuple(rgb(c) for c in codes.split()) for name, codes in table.items()}


BASE_TONES = _tones({
    "red": "#f4775f #d63a34 #86202f", "orange": "#ffb866 #f08a35 #ab4c25",
    "gold": "#ffe39a #e9b343 #9a6420", "green": "#9bd58a #4aa564 #1f5f4b",
    "teal": "#8fe3d6 #35aaa6 #17616b", "blue": "#8cc0f5 #3f78d4 #233f8f",
    "purple": "#c6a0ee #8554c4 #472a80", "pink": "#ffc4d6 #f283ab #aa4677",
    "white": "#ffffff #ece7e6 #a9a8bd", "black": "#55566a #2b2b3a #111119",
    "brown": "#c99a73 #8d5c3f #4b2d24", "silver": "#eef3f8 #b3bdcb #616d85",
    "aqua": "#b4f4f2 #57cfd6 #25809a", "blonde": "#ffeeb0 #efc964 #a87a2c",
    "grey": "#c5c7d0 #8d90a0 #4c4f62",
})
BAROQUE_TONES = _tones({
    "red": "#d5303f #9c1229 #4a0618", "orange": "#eb9a3c #b85f18 #602a0b",
    "gold": "#fff0b0 #dda83a #80500f", "green": "#36a070 #0f6647 #04302a",
    "teal": "#3fb3ad #0f6d73 #053840", "blue": "#4b68d2 #23308f #0d1250",
    "purple": "#8a4bc0 #54207f #27093f", "pink": "#f39bb4 #c9537f #6c1c4a",
    "white": "#fffaea #ecdfc4 #a58c6c", "black": "#4a3a44 #20141f #0a0509",
    "brown": "#a96d3f #66371d #311408", "silver": "#f3efe2 #b7b0a8 #5f5966",
    "aqua": "#8fe6e0 #2fa6b4 #0f5468", "blonde": "#fff0b4 #e2b24a #8a5a1a",
    "grey": "#b3a69a #766a68 #3a3136",
})
# name: (top, middle, bottom). "space" skies are dark; the rest are daylight or dusk.
BASE_SKIES = _tones({
    "black": "#06060f #0d0f22 #1b1d3c", "dark blue": "#0b1440 #16266a #2f4a9a",
    "blue": "#2f7fd0 #6db4ea #cfeaf6", "teal": "#0c4a5a #23838a #86d0bf",
    "orange": "#8a2f4e #ee7440 #ffd27a", "purple": "#2a1150 #58298c #a76fc4",
    "pink": "#b4568f #f091ae #ffd9cf", "red": "#4a0d24 #a3243a #ee7358",
    "green": "#0b3a34 #24735a #8fcf8c", "yellow": "#e49a35 #f6c75e #fff0b8",
    "brown": "#4a2c22 #7a4f37 #a9795a", "grey": "#5a6072 #8b92a3 #c3c7d0",
    "white": "#d8dde8 #eceef3 #fbf8f2",
})
BAROQUE_SKIES = _tones({
    "black": "#050208 #12060f #2a0b18", "dark blue": "#070a34 #12185a #2a2a80",
    "blue": "#12266e #2349a0 #6a86c0", "teal": "#032e38 #0b5a60 #2c9088",
    "orange": "#4d0f16 #a83a12 #f0a132", "purple": "#1a0733 #3f1264 #77348c",
    "pink": "#5c1240 #a83a68 #e79a94", "red": "#2c0310 #78091f #b8303a",
    "green": "#02231d #0a4a38 #2f8560", "yellow": "#7a4408 #c98b1c #f5d678",
    "brown": "#2a1208 #552c14 #85532a", "grey": "#2c2830 #57505a #8f857f",
    "white": "#b9a98a #ddd0b2 #f7efd8",
})
SKINS = tuple(_tones({str(i): c for i, c in enumerate((
    "#ffe3cf #f3bf9f #c07c6c", "#fbd2b0 #e0a47c #a3634f", "#e0a878 #b97a50 #7a4632",
    "#b57d58 #8a5637 #54301f", "#f7dcd6 #e2b4b0 #a97585"))}).values())
GOLD, GOLD_DEEP, GOLD_PALE = rgb("#e9b949"), rgb("#8a5a14"), rgb("#fff0b8")


@dataclass(frozen=True)
class Look:
    """How a style colours and decorates: the composition itself never depends on it."""
    name: str
    tones: dict
    skies: dict
    star: tuple
    line: tuple | None = None       # outline colour of objects, None: no outline
    line_width: float = 0.0         # in short-side units
    ornate: bool = False            # scrolls, halo, frame, pleats, volutes
    trigger: str | None = None      # words that most captions of this style begin with
    finish: Callable | None = None  # what happens to the finished drawing (finishes.py)


BASE = Look("base", BASE_TONES, BASE_SKIES, rgb("#fff6dc"))
LOOKS = {look.name: look for look in (
    BASE,
    Look("baroque-space-opera", BAROQUE_TONES, BAROQUE_SKIES, GOLD_PALE, line=GOLD, line_width=0.0085, ornate=True,
         trigger="Sci-Fi Baroque Couture Pulp"),
    replace(BASE, name="blueprint", trigger="Blueprint Drafting Line", finish=finishes.blueprint),
    replace(BASE, name="woodcut", trigger="Woodcut Chapbook Print", finish=finishes.woodcut),
    replace(BASE, name="stained-glass", trigger="Stained Glass Cathedral Light", finish=finishes.stained_glass),
    replace(BASE, name="night-neon", trigger="Night Neon Afterglow", finish=finishes.night_neon),
)}
STYLES = tuple(LOOKS)
