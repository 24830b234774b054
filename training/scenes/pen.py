"""The drawing surface: skia in short-side units, with filled tones, outlines and soft light."""
from functools import lru_cache

import numpy as np
import skia

from .palette import argb, mix

CLAMP = skia.TileMode.kClamp


@lru_cache(maxsize=4096)
def poly(*points):
    """Closed polygon through (x, y) tuples."""
    return skia.Path.Polygon([skia.Point(*p) for p in points], True)


@lru_cache(maxsize=4096)
def blob(*points, closed=True, tension=0.5):
    """Smooth (Catmull-Rom) curve through (x, y) tuples."""
    path, n = skia.Path(), len(points)
    path.moveTo(*points[0])
    for i in range(n if closed else n - 1):
        if closed:
            p0, p1, p2, p3 = (points[(i + k) % n] for k in (-1, 0, 1, 2))
        else:
            p0, p1, p2, p3 = (points[min(max(i + k, 0), n - 1)] for k in (-1, 0, 1, 2))
        k = tension / 3 * 2
        path.cubicTo(p1[0] + (p2[0] - p0[0]) * k / 2, p1[1] + (p2[1] - p0[1]) * k / 2,
                     p2[0] - (p3[0] - p1[0]) * k / 2, p2[1] - (p3[1] - p1[1]) * k / 2, p2[0], p2[1])
    if closed:
        path.close()
    return path


@lru_cache(maxsize=4096)
def oval(x, y, rx, ry=None):
    """Ellipse with centre and radii."""
    ry = rx if ry is None else ry
    return skia.Path.Oval(skia.Rect.MakeLTRB(x - rx, y - ry, x + rx, y + ry))


@lru_cache(maxsize=4096)
def box(x0, y0, x1, y1, radius=0.0):
    """Rectangle, its corners rounded by radius."""
    rect = skia.Rect.MakeLTRB(x0, y0, x1, y1)
    return skia.Path.RRect(rect, radius, radius) if radius else skia.Path.Rect(rect)


class Pen:
    """Draws on one picture. `w`, `h`: its size in short-side units (the shorter one is 1)."""

    def __init__(self, width, height, look, light):
        self.pixels = np.zeros((height, width, 4), np.uint8)
        self.surface = skia.Surface.MakeRasterDirect(
            skia.ImageInfo.Make(width, height, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType),
            self.pixels)
        self.canvas = self.surface.getCanvas()
        unit = min(width, height)
        self.canvas.scale(unit, unit)
        self.w, self.h = width / unit, height / unit
        self.look, self.light, self.scale = look, light, 1.0

    def tone(self, colour):
        """(light, mid, dark) of a named colour in this style."""
        return self.look.tones[colour]

    def image(self):
        """uint8 RGB array of shape (height, width, 3)."""
        return np.ascontiguousarray(self.pixels[..., :3])

    def at(self, x, y, scale=1.0, flip=False, turn=0.0):
        """Context: local coordinates with origin (x, y); flip mirrors left and right."""
        return _Local(self, x, y, scale, flip, turn)

    def clip(self, path):
        """Context: draw only inside path."""
        return _Clip(self, path)

    def flat(self, path, colour, alpha=1.0):
        """Fill with one colour."""
        self.canvas.drawPath(path, skia.Paint(Color=argb(colour, alpha), AntiAlias=True))

    def line(self, path, colour, width, alpha=1.0):
        """Stroke with round ends; width in local units."""
        self.canvas.drawPath(path, skia.Paint(
            Color=argb(colour, alpha), AntiAlias=True, Style=skia.Paint.kStroke_Style,
            StrokeWidth=width, StrokeCap=skia.Paint.kRound_Cap, StrokeJoin=skia.Paint.kRound_Join))

    def shade(self, path, stops, start, end, alpha=1.0):
        """Fill with a linear gradient between two points; stops are RGB tuples."""
        shader = skia.GradientShader.MakeLinear(
            [skia.Point(*start), skia.Point(*end)], [argb(c, alpha) for c in stops])
        self.canvas.drawPath(path, skia.Paint(Shader=shader, AntiAlias=True))

    def glow(self, x, y, radius, colour, alpha=1.0):
        """Soft round light that fades to nothing at radius."""
        shader = skia.GradientShader.MakeRadial(
            skia.Point(x, y), radius, [argb(colour, alpha), argb(colour, alpha * 0.35), argb(colour, 0)])
        self.canvas.drawCircle(x, y, radius, skia.Paint(Shader=shader, AntiAlias=True))

    def solid(self, path, tone, outline=True, vertical=False):
        """An object: gradient from the lit side to the dark side, with the style's outline."""
        b = path.getBounds()
        left, right = (b.left(), b.right()) if self.light > 0 else (b.right(), b.left())
        if vertical:
            left = right = 0.0
        light, mid, dark = tone
        self.shade(path, (light, mid, mix(mid, dark, 0.75)), (left, b.top()), (right, b.bottom()))
        if outline:
            self.outline(path)

    def outline(self, path, factor=1.0):
        """The style's outline (gold in an ornate style, nothing in base)."""
        if self.look.line:
            fine = .6 if self.scale < .22 else 1.0      # heads of small figures keep their own colours
            self.line(path, self.look.line, self.look.line_width * factor * fine / self.scale)


class _Local:
    def __init__(self, pen, x, y, scale, flip, turn):
        self.pen, self.args = pen, (x, y, scale, flip, turn)

    def __enter__(self):
        x, y, scale, flip, turn = self.args
        canvas = self.pen.canvas
        canvas.save()
        canvas.translate(x, y)
        if turn:
            canvas.rotate(turn)
        canvas.scale(-scale if flip else scale, scale)
        self.saved = self.pen.scale, self.pen.light
        self.pen.scale *= scale
        self.pen.light *= -1 if flip else 1

    def __exit__(self, *_):
        self.pen.canvas.restore()
        self.pen.scale, self.pen.light = self.saved


class _Clip:
    def __init__(self, pen, path):
        self.pen, self.path = pen, path

    def __enter__(self):
        self.pen.canvas.save()
        self.pen.canvas.clipPath(self.path, True)

    def __exit__(self, *_):
        self.pen.canvas.restore()
