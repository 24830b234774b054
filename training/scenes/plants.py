"""Flowers, leaves, potted plants and the frame of flowers and leaves."""
import math

from .palette import GOLD, mix
from .pen import blob, oval, poly

FLOWER_COLOURS = ("red", "pink", "white", "gold", "purple", "orange", "blue")


def flower(pen, x, y, r, colour):
    """Five round petals about a centre; r is the outer radius."""
    light, mid, _ = pen.tone(colour)
    for k in range(5):
        a = k * math.tau / 5 - math.pi / 2
        petal = oval(x + .55 * r * math.cos(a), y + .55 * r * math.sin(a), .46 * r)
        pen.flat(petal, mix(light, mid, .35 + .13 * k))
        if pen.look.line:
            pen.line(petal, GOLD, .005 / pen.scale)
    pen.flat(oval(x, y, .3 * r), pen.tone("gold")[1] if colour != "gold" else pen.tone("brown")[1])
    pen.flat(oval(x - .05 * r, y - .06 * r, .15 * r), pen.tone("gold")[0])


def leaf(pen, x, y, r, turn, colour="green"):
    """A pointed leaf of length r from (x, y); turn in degrees, 0 points right."""
    light, _, dark = pen.tone(colour)
    with pen.at(x, y, r, turn=turn):
        shape = blob((0, 0), (.35, -.22), (.75, -.16), (1.05, 0), (.75, .16), (.35, .22))
        pen.shade(shape, (light, dark), (0, -.2), (0, .25))
        if pen.look.line:
            pen.line(shape, GOLD, .005 / pen.scale)


def draw_wreath(pen, scene, rng):
    """A frame of flowers and leaves round the whole picture."""
    if scene.frame != "flowers":
        return
    spots, step = [], .155
    nx, ny = max(4, round(pen.w / step)), max(4, round(pen.h / step))
    m = .05
    spots += [(m + (pen.w - 2 * m) * i / nx, m) for i in range(nx)]
    spots += [(pen.w - m, m + (pen.h - 2 * m) * j / ny) for j in range(ny)]
    spots += [(pen.w - m - (pen.w - 2 * m) * i / nx, pen.h - m) for i in range(nx)]
    spots += [(m, pen.h - m - (pen.h - 2 * m) * j / ny) for j in range(ny)]
    cx, cy = pen.w / 2, pen.h / 2
    for i, (x, y) in enumerate(spots):
        inward = math.degrees(math.atan2(cy - y, cx - x))
        for bend in (-62, 0, 62):
            leaf(pen, x, y, .115 if bend else .145, inward + bend + 14 * (-1) ** i)
    colours = (scene.frame_colour, scene.frame_colour, "white")
    for i, (x, y) in enumerate(spots):
        flower(pen, x, y, (.085, .055)[i % 2], colours[i % 3])


def draw_foreground_flowers(pen, scene, rng):
    """A bed of flowers along the bottom edge."""
    if not scene.flowers:
        return
    n = max(6, int(pen.w * 7))
    for i in range(n):
        x = (i + rng.uniform(.25, .75)) * pen.w / n
        y = pen.h - rng.uniform(.035, .12)
        pen.line(poly((x, y), (x, pen.h)), pen.tone("green")[2], .010)
        leaf(pen, x, y + .06, .09, -150 + 120 * (i % 2))
        flower(pen, x, y, rng.uniform(.045, .062), scene.flower_colour if i % 3 else "white")


def draw_plants(pen, scene):
    """A potted plant with large leaves at each side."""
    if not scene.plants:
        return
    for x, flip in ((.1, False), (pen.w - .1, True)):
        with pen.at(x, pen.h * .94, .28, flip=flip):
            for turn, r in ((-150, .7), (-128, .95), (-104, 1.12), (-82, 1.15), (-58, 1.0), (-34, .8)):
                leaf(pen, 0, -.3, r, turn)
            pen.solid(poly((-.26, -.36), (.26, -.36), (.18, .06), (-.18, .06)), pen.tone("orange"))
