"""Headgear in head units: helmet, bubble helmet, crown, veil, stars, flowers; and the halo."""
import math

import skia

from .ornament import halo, trim
from .palette import GOLD, argb, mix
from .pen import blob, box, oval, poly
from .plants import flower


def hat_back(pen, person):
    """What lies behind the head."""
    if pen.look.ornate:
        halo(pen, 0, -.08, .84)
    if person.veil:
        light, mid, dark = pen.tone("white")
        pen.shade(VEIL_BACK, (light, mid, dark), (0, -.6), (0, 1.7), .92)
        pen.outline(VEIL_BACK)
    if person.headgear == "bubble helmet":
        pen.flat(oval(0, -.02, .78), (190, 228, 240), .28)


def hat_front(pen, person):
    """What lies over the head; `person.headgear` names it."""
    draw = {"helmet": _helmet, "bubble helmet": _bubble, "crown": _crown, "gold stars": _stars,
            "flowers": _flowers}.get(person.headgear)
    if draw:
        draw(pen, person)
    if person.veil:
        _veil(pen, person)


def _helmet(pen, person):
    """A rounded helmet over skull and cheeks, with a brow band, a crest and an ear disc."""
    tone = pen.tone(person.headgear_colour)
    shell = SIDE_HELMET if person.view == "profile" else FRONT_HELMET
    pen.solid(shell, tone)
    pen.line(SIDE_BAND if person.view == "profile" else FRONT_BAND, mix(tone[2], (0, 0, 0), .25), .06)
    crest = blob((-.52, -.1), (-.48, -.6), (0, -.86), (.2, -.62), (0, -.64), (-.36, -.5)) \
        if person.view == "profile" else blob((-.07, -.35), (-.06, -.7), (0, -.86), (.06, -.7), (.07, -.35))
    pen.solid(crest, pen.tone("red" if person.headgear_colour != "red" else "gold"))
    for x in ((-.14,) if person.view == "profile" else (-.43, .43)):
        pen.solid(oval(x, .06, .13 if x == -.14 else .09, .13), tone)
        pen.flat(oval(x, .06, .055), tone[2])
    if pen.look.ornate:
        trim(pen, SIDE_BAND if person.view == "profile" else FRONT_BAND, .06)


def _bubble(pen, person):
    """A glass globe with highlights; flowers grow on its rim."""
    pen.flat(oval(0, -.02, .78), (200, 236, 250), .16)
    pen.line(oval(0, -.02, .78), GOLD if pen.look.ornate else (225, 244, 252), .05, .95)
    arc = skia.Path()
    arc.addArc(skia.Rect.MakeLTRB(-.64, -.66, .64, .62), 190 if pen.light > 0 else 300, 55)
    pen.line(arc, (255, 255, 255), .075, .85)
    pen.solid(box(-.5, .66, .5, .82, .08), pen.tone("gold" if pen.look.ornate else "silver"))
    if person.hat_flowers:
        for k, (x, y, r) in enumerate(((-.52, .52, .2), (-.3, .7, .17), (.56, .46, .2), (.34, .68, .17),
                                       (-.66, .28, .14), (.68, .2, .13), (-.42, -.66, .2), (-.16, -.8, .18),
                                       (-.64, -.48, .15))):
            flower(pen, x, y, r, ("pink", "red", "white")[k % 3])


def _crown(pen, person):
    tone = pen.tone(person.headgear_colour)
    y = -.34
    crown = poly((-.34, y), (-.42, y - .36), (-.19, y - .19), (0, y - .46), (.19, y - .19), (.42, y - .36), (.34, y))
    with pen.at(-.06 if person.view == "profile" else 0, -.06, 1):
        pen.solid(crown, tone)
        pen.flat(box(-.34, y - .08, .34, y + .02, .03), tone[2])
        for x, dy, c in ((-.42, -.38, "red"), (0, -.48, "red"), (.42, -.38, "red"), (0, -.12, "blue")):
            pen.flat(oval(x, y + dy + .02, .055), pen.tone(c)[1])


def _stars(pen, person):
    """Five-pointed gold stars set in the hair."""
    spots = ((-.3, -.42, .13), (.02, -.55, .16), (.3, -.36, .12)) if person.view == "front" else \
        ((.1, -.46, .14), (-.2, -.42, .16), (-.38, -.12, .13))
    for x, y, r in spots:
        star = poly(*((x + (r if k % 2 == 0 else r * .45) * math.sin(k * math.pi / 5),
                       y - (r if k % 2 == 0 else r * .45) * math.cos(k * math.pi / 5)) for k in range(10)))
        pen.flat(star, (255, 214, 92))
        pen.line(star, (176, 112, 20), .022)


def _flowers(pen, person):
    spots = ((-.34, -.36, .15), (-.13, -.5, .17), (.12, -.5, .17), (.34, -.36, .15)) if person.view == "front" else \
        ((.14, -.44, .15), (-.1, -.54, .17), (-.33, -.42, .16), (-.46, -.18, .14))
    for k, (x, y, r) in enumerate(spots):
        flower(pen, x, y, r, person.headgear_colour if k % 2 else "white")


def _veil(pen, person):
    """Sheer cloth from the crown of the head over the back and the shoulders."""
    light, mid, _ = pen.tone("white")
    parts = (SIDE_VEIL,) if person.view == "profile" else (VEIL_LEFT, VEIL_RIGHT)
    for path in parts:
        shader = skia.GradientShader.MakeLinear([skia.Point(0, -.6), skia.Point(0, 1.6)],
                                                [argb(light, .95), argb(mid, .75)])
        pen.canvas.drawPath(path, skia.Paint(Shader=shader, AntiAlias=True))
        pen.outline(path)
    if person.pearls:
        spots = ((.27, -.4), (.14, -.5), (0, -.54), (-.14, -.5), (-.27, -.4)) if person.view == "front" else \
            ((.27, -.3), (.2, -.42), (.1, -.51), (-.03, -.57))
        for x, y in spots:
            pen.flat(oval(x, y, .055), (255, 252, 244))
            pen.flat(oval(x + .01, y + .015, .03), (214, 206, 214))


VEIL_BACK = blob((0, -.68), (.46, -.4), (.58, .2), (.85, 1.0), (1.0, 1.75), (0, 1.95), (-1.0, 1.75), (-.85, 1.0),
                 (-.58, .2), (-.46, -.4))
VEIL_LEFT = blob((0, -.7), (-.42, -.46), (-.56, .2), (-.86, 1.0), (-1.0, 1.72), (-.62, 1.8), (-.5, 1.0), (-.4, .2),
                 (-.34, -.26), (-.1, -.5))
VEIL_RIGHT = blob((0, -.7), (.42, -.46), (.56, .2), (.86, 1.0), (1.0, 1.72), (.62, 1.8), (.5, 1.0), (.4, .2),
                  (.34, -.26), (.1, -.5))
SIDE_VEIL = blob((.16, -.6), (-.12, -.68), (-.5, -.46), (-.66, .1), (-.9, 1.0), (-1.05, 1.75), (-.5, 1.85),
                 (-.28, 1.0), (-.16, .3), (-.06, -.2), (.1, -.4))
FRONT_HELMET = blob((-.42, .36), (-.5, -.1), (-.36, -.5), (0, -.66), (.36, -.5), (.5, -.1), (.42, .36), (.33, .2),
                    (.3, -.08), (.17, -.21), (0, -.16), (-.17, -.21), (-.3, -.08), (-.33, .2))
SIDE_HELMET = blob((.3, -.2), (.26, -.46), (0, -.66), (-.36, -.54), (-.54, -.16), (-.48, .3), (-.3, .5), (-.1, .42),
                   (.06, .3), (.02, .02), (.06, -.12))
FRONT_BAND = blob((-.43, -.02), (-.32, -.28), (-.14, -.37), (0, -.34), (.14, -.37), (.32, -.28), (.43, -.02),
                  closed=False)
SIDE_BAND = blob((.27, -.32), (.0, -.26), (-.14, -.1), (-.2, .1), (-.16, .4), closed=False)
