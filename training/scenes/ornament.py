"""Gilded decoration of the ornate style: scrolls, halo, frame, damask, sun rays."""
import math
from functools import lru_cache

import skia

from .palette import GOLD, GOLD_DEEP, GOLD_PALE, argb
from .pen import blob, box, oval


@lru_cache(maxsize=256)
def scroll_path(turns=1.6):
    """An acanthus-like spiral in the unit square, its stem starting at the origin."""
    points = [(0.0, 0.0), (0.3, -0.12)]
    for i in range(int(turns * 8) + 1):
        a = math.pi * 0.9 - i * math.pi / 4
        r = 0.36 * (1 - i / (turns * 8 + 2.5))
        points.append((0.72 - r * math.cos(a) * -1, -0.05 + r * math.sin(a) * -1))
    return blob(*points, closed=False)


def scroll(pen, x, y, size, turn=0.0, flip=False, colour=GOLD, width=0.010):
    """One filigree scroll that starts at (x, y); turn in degrees."""
    with pen.at(x, y, size, flip=flip, turn=turn):
        pen.line(scroll_path(), colour, width / pen.scale)


def rays(pen, colour):
    """Faint sun rays from the middle of the picture."""
    cx, cy, r = pen.w / 2, pen.h * 0.42, 2.0
    path = skia.Path()
    for k in range(18):
        a = k * math.pi / 9
        path.moveTo(cx, cy)
        path.lineTo(cx + r * math.cos(a - 0.06), cy + r * math.sin(a - 0.06))
        path.lineTo(cx + r * math.cos(a + 0.06), cy + r * math.sin(a + 0.06))
        path.close()
    pen.flat(path, colour, 0.22)


def damask(pen, colour):
    """A wallpaper of paired scrolls."""
    step = 0.25
    for j in range(int(pen.h / step) + 1):
        for i in range(int(pen.w / step) + 1):
            x = (i + 0.5 * (j % 2)) * step
            with pen.at(x, j * step + 0.1, 0.13):
                pen.line(_fleuron(), colour, 0.008 / pen.scale, 0.45)


@lru_cache(maxsize=1)
def _fleuron():
    """Two mirrored scrolls on one stem."""
    path, left = skia.Path(), skia.Matrix()
    left.setRotate(-60)
    path.addPath(scroll_path(1.0), left)
    right = skia.Matrix.Scale(-1, 1)
    right.preRotate(-60)
    path.addPath(scroll_path(1.0), right)
    return path


def halo(pen, x, y, r):
    """A gilded disc with short rays behind a head."""
    pen.glow(x, y, r * 1.7, GOLD_PALE, 0.55)
    rays_path = skia.Path()
    for k in range(24):
        a, e = k * math.pi / 12, 1.22 if k % 2 else 1.36
        rays_path.moveTo(x + r * math.cos(a), y + r * math.sin(a))
        rays_path.lineTo(x + r * e * math.cos(a), y + r * e * math.sin(a))
    pen.line(rays_path, GOLD, 0.010 / pen.scale)
    pen.line(oval(x, y, r), GOLD, r * 0.13)
    pen.line(oval(x, y, r * 1.0), GOLD_DEEP, r * 0.02)
    pen.line(oval(x, y, r * 0.86), GOLD, r * 0.03)


def frame(pen):
    """A gilded border with a cartouche of scrolls in every corner."""
    m = 0.022
    rect = box(m, m, pen.w - m, pen.h - m)
    pen.line(rect, GOLD_DEEP, 0.046)
    pen.line(rect, GOLD, 0.030)
    pen.line(rect, GOLD_PALE, 0.008)
    for x, y, turn in ((0, 0, 0), (pen.w, 0, 90), (pen.w, pen.h, 180), (0, pen.h, 270)):
        with pen.at(x, y, 1.0, turn=turn):
            _corner(pen)


def _corner(pen):
    dark, lit = GOLD_DEEP, GOLD
    wedge = blob((-0.02, -0.02), (0.17, 0.0), (0.125, 0.055), (0.10, 0.10), (0.055, 0.125), (0.0, 0.17))
    pen.shade(wedge, (GOLD_PALE, lit, dark), (0, 0), (0.15, 0.15))
    pen.line(wedge, dark, 0.006)
    for turn, flip in ((0, False), (90, True)):
        with pen.at(0.045, 0.045, 0.2, turn=turn, flip=False):
            if flip:
                pen.canvas.scale(1, -1)
            pen.canvas.translate(0.25, 0.12)
            pen.line(scroll_path(), dark, 0.085)
            pen.line(scroll_path(), lit, 0.055)
    pen.flat(oval(0.062, 0.062, 0.026), (150, 18, 40))
    pen.line(oval(0.062, 0.062, 0.026), GOLD_PALE, 0.008)


def trim(pen, path, width):
    """A band of gold embroidery along an open path: dark edge, gold, pale dots."""
    pen.line(path, GOLD_DEEP, width * 1.35)
    pen.line(path, GOLD, width)
    dots = skia.Paint(Color=argb(GOLD_PALE), AntiAlias=True, Style=skia.Paint.kStroke_Style,
                      StrokeWidth=width * 0.45, StrokeCap=skia.Paint.kRound_Cap,
                      PathEffect=skia.DashPathEffect.Make([0.001, width * 1.4], 0))
    pen.canvas.drawPath(path, dots)
