"""Columns, arches, towers and domed palaces."""
import skia

from .palette import GOLD, GOLD_PALE, mix
from .ornament import scroll, trim
from .pen import blob, box, oval, poly


def draw_building(pen, scene):
    """The scene's building on the ground line; columns stand across the width."""
    if not scene.building:
        return
    tone = pen.tone(scene.building_colour)
    foot = .9 * pen.h
    fx, _, r = scene.boxes["building"]
    if scene.building == "columns":
        n = scene.columns
        for i in range(n):
            x = (.5 + (i - (n - 1) / 2) * min(.36, .86 / n)) * pen.w if n > 1 else fx * pen.w
            with pen.at(x, foot, .68 * pen.h):
                _column(pen, tone)
    else:
        with pen.at(fx * pen.w, foot, r):
            {"arch": _arch, "tower": _tower, "palace": _palace}[scene.building](pen, tone)


def _column(pen, tone):
    """One unit high, foot at the origin."""
    light, mid, dark = tone
    shaft = poly((-.062, -.08), (-.052, -.88), (.052, -.88), (.062, -.08))
    pen.shade(shaft, (light, mid, dark), (-.06 * pen.light, 0), (.06 * pen.light, 0))
    for x in (-.03, 0, .03):
        pen.line(poly((x, -.1), (x, -.86)), dark, .008, .45)
    pen.outline(shaft)
    pen.solid(box(-.085, -.09, .085, 0, .012), tone)
    pen.solid(box(-.085, -.96, .085, -.88, .012), tone)
    if pen.look.ornate:
        for flip in (False, True):
            with pen.at(0, -.88, .13, flip=flip):
                pen.canvas.translate(.05, -.05)
                scroll(pen, 0, 0, 1, colour=GOLD_PALE, width=.012)
        pen.line(poly((-.06, -.5), (.06, -.5)), GOLD, .02)


def _windows(pen, points, w, h, lit=(255, 222, 130)):
    for x, y in points:
        hole = skia.Path()
        hole.addRRect(skia.RRect.MakeRectXY(skia.Rect.MakeLTRB(x - w, y - h, x + w, y + h), w, w))
        pen.flat(hole, lit)


def _arch(pen, tone):
    """A free-standing gate with a round opening."""
    outer, inner = skia.Path(), skia.Path()
    outer.addRRect(skia.RRect.MakeRectXY(skia.Rect.MakeLTRB(-.5, -1.12, .5, .6), .5, .5))
    inner.addRRect(skia.RRect.MakeRectXY(skia.Rect.MakeLTRB(-.3, -.92, .3, .6), .3, .3))
    gate = skia.Op(outer, inner, skia.kDifference_PathOp)
    feet = skia.Op(gate, box(-1, -2, 1, 0), skia.kIntersect_PathOp)
    pen.solid(feet, tone)
    pen.solid(box(-.56, -.06, -.26, .02), tone)
    pen.solid(box(.26, -.06, .56, .02), tone)
    pen.solid(poly((-.075, -1.2), (.075, -1.2), (.05, -.9), (-.05, -.9)), tone)
    if pen.look.ornate:
        for flip in (False, True):
            with pen.at(0, -1.13, .42, flip=flip):
                pen.canvas.translate(.15, 0)
                scroll(pen, 0, 0, 1, width=.012)


def _tower(pen, tone):
    """A tall tower with a pointed roof (a dome and finial when ornate)."""
    pen.solid(poly((-.17, 0), (-.125, -1.0), (.125, -1.0), (.17, 0)), tone)
    pen.solid(box(-.19, -1.1, .19, -.98, .02), tone)
    roof = pen.tone("red" if tone is not pen.tone("red") else "gold")
    if pen.look.ornate:
        _dome(pen, 0, -1.1, .2, pen.tone("gold"))
        trim(pen, poly((-.14, -.6), (.14, -.6)), .02)
    else:
        pen.solid(poly((-.23, -1.1), (0, -1.55), (.23, -1.1)), roof)
    _windows(pen, ((0, -.8), (0, -.52), (0, -.24)), .035, .065)


def _dome(pen, x, y, r, tone):
    """Onion dome with a finial, its foot at (x, y)."""
    pen.solid(blob((x - r, y), (x - r * 1.08, y - r * .55), (x - r * .55, y - r * 1.15), (x, y - r * 1.65),
                   (x + r * .55, y - r * 1.15), (x + r * 1.08, y - r * .55), (x + r, y)), tone)
    pen.line(poly((x, y - r * 1.6), (x, y - r * 2.05)), GOLD, r * .1)
    pen.flat(oval(x, y - r * 2.1, r * .14), GOLD)


def _palace(pen, tone):
    """A hall with one large dome and two small ones."""
    dark = tone[2]
    domes = pen.tone("gold") if pen.look.ornate else pen.tone("teal" if tone is not pen.tone("teal") else "gold")
    for x in (-.62, .62):
        pen.solid(box(x - .13, -.72, x + .13, 0), tone)
        _dome(pen, x, -.72, .15, domes)
    pen.solid(box(-.5, -.5, .5, 0), tone)
    pen.solid(box(-.28, -.64, .28, -.5), tone)
    _dome(pen, 0, -.64, .27, domes)
    pen.flat(box(-.08, -.3, .08, 0, .08), mix(dark, (20, 10, 30), .5))
    pen.flat(box(-.08, -.1, .08, 0), mix(dark, (20, 10, 30), .5))
    _windows(pen, ((-.34, -.28), (-.2, -.28), (.2, -.28), (.34, -.28), (-.62, -.45), (.62, -.45)), .04, .085)
    if pen.look.ornate:
        trim(pen, poly((-.5, -.46), (.5, -.46)), .025)
        for flip in (False, True):
            with pen.at(.5, -.5, .28, flip=False) if not flip else pen.at(-.5, -.5, .28, flip=True):
                pen.canvas.scale(-1, 1)
                scroll(pen, 0, 0, 1, width=.012)
