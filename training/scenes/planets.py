"""Planets with rings and bands, and moons."""
import skia

from .palette import GOLD, GOLD_PALE, argb, mix
from .ornament import scroll
from .pen import blob, oval


def draw_planet(pen, scene):
    """One lit sphere: glow, bands, terminator shadow, rings in front and behind."""
    fx, fy, r = scene.boxes["planet"]
    x, y = fx * pen.w, fy * pen.h
    tone = pen.tone(scene.planet_colour)
    pen.glow(x, y, r * 1.5, tone[0], 0.35)
    if scene.rings:
        _ring(pen, x, y, r, tone, behind=True)
    _sphere(pen, x, y, r, tone, scene.planet_surface)
    if scene.rings:
        _ring(pen, x, y, r, tone, behind=False)


def _sphere(pen, x, y, r, tone, surface):
    light, mid, dark = tone
    side = pen.light
    disc = oval(x, y, r)
    pen.shade(disc, (light, mid, dark), (x - r * .8 * side, y - r * .8), (x + r * .7 * side, y + r * .8))
    with pen.clip(disc):
        if surface == "bands":
            with pen.at(x, y, r, turn=-18 * side):
                for yy, hh, c in ((-.62, .16, dark), (-.18, .24, light), (.24, .12, dark), (.55, .2, light)):
                    pen.flat(oval(0, yy, 1.4, hh * 0.75), c, 0.35)
        elif surface == "craters":
            for dx, dy, k in ((-.35, -.3, .2), (.3, -.1, .14), (-.1, .35, .24), (.45, .5, .15), (.1, -.62, .12)):
                pen.flat(oval(x + dx * r, y + dy * r, k * r), dark, 0.35)
        elif surface == "lands":
            pen.flat(blob((x - r * .9, y - r * .3), (x - r * .2, y - r * .55), (x + r * .1, y - r * .05),
                          (x - r * .35, y + r * .25)), light, 0.6)
            pen.flat(blob((x + r * .05, y + r * .3), (x + r * .6, y + r * .1), (x + r * .7, y + r * .55),
                          (x + r * .2, y + r * .75)), light, 0.45)
        shadow = skia.Path.Oval(skia.Rect.MakeLTRB(x - r * 1.5 - .42 * r * side, y - r * 1.62,
                                                  x + r * 1.5 - .42 * r * side, y + r * 1.38))
        shadow.setFillType(skia.PathFillType.kInverseWinding)
        pen.canvas.drawPath(shadow, skia.Paint(Color=argb(mix(dark, (10, 5, 30), 0.55), 0.62), AntiAlias=True))
    if pen.look.ornate:
        pen.outline(disc, 1.4)
        for turn, flip in ((200, False), (20, False), (-70, True)):
            scroll(pen, x, y, r * 0.78, turn=turn, flip=flip, width=0.008)


def _ring(pen, x, y, r, tone, behind):
    """Two flat ellipses; the half behind the planet is drawn first."""
    tilt = -16 * pen.light
    gold = pen.look.ornate
    with pen.at(x, y, r, turn=tilt):
        half = skia.Path()
        half.addRect(skia.Rect.MakeLTRB(-3, -3, 3, 0) if behind else skia.Rect.MakeLTRB(-3, 0, 3, 3))
        with pen.clip(half):
            pen.line(oval(0, 0, 1.72, 0.42), GOLD if gold else mix(tone[0], (255, 245, 225), 0.45), 0.17)
            pen.line(oval(0, 0, 1.42, 0.33), GOLD_PALE if gold else mix(tone[1], (255, 235, 200), 0.35), 0.10)


def draw_moons(pen, scene):
    """Small pale discs with a crater or two."""
    tone = pen.tone("gold" if pen.look.ornate else "silver")
    for fx, fy, r in scene.boxes["moons"]:
        x, y = fx * pen.w, fy * pen.h
        pen.glow(x, y, r * 1.9, tone[0], 0.3)
        pen.solid(oval(x, y, r), tone, outline=False)
        for dx, dy, k in ((-.3, -.2, .22), (.25, .3, .28)):
            pen.flat(oval(x + dx * r, y + dy * r, k * r), tone[2], 0.35)
        if pen.look.ornate:
            pen.line(oval(x, y, r * 1.35), GOLD, 0.007)
