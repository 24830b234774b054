"""Heads in local units (face height 1, centre of the face at the origin): hair, face, headgear."""
from .hats import hat_back, hat_front
from .palette import SKINS, mix
from .pen import blob, oval, poly


def draw_head_back(pen, person):
    """Everything behind the neck and shoulders: hair that falls, veil, back of a helmet."""
    hat_back(pen, person)
    tone = pen.tone(person.hair_colour)
    shape = BACK_HAIR[person.view].get(person.hair_style)
    if shape and person.shows_hair:
        for path in shape:
            pen.solid(path, (tone[1], mix(tone[1], tone[2], .4), tone[2]))


def draw_head(pen, person):
    """Face, hair in front and headgear."""
    if person.view == "profile":
        _profile(pen, person)
    else:
        _front(pen, person)
    hat_front(pen, person)


def draw_neck(pen, person):
    """The neck, over the clothes and under the face."""
    _, mid, dark = SKINS[person.skin]
    if person.view == "profile":
        pen.shade(SIDE_NECK, (mid, mix(mid, dark, .8)), (.15, .4), (-.2, .5))
    else:
        pen.shade(FRONT_NECK, (mix(mid, dark, .7), mid), (0, .35), (0, .75))


def _front(pen, person):
    light, mid, dark = SKINS[person.skin]
    side = pen.light
    pen.shade(FRONT_FACE, (light, light, mid), (-.3 * side, -.3), (.38 * side, .35))
    with pen.clip(FRONT_FACE):
        pen.flat(blob((.16 * side, -.6), (.12 * side, -.05), (.04 * side, .2), (.1 * side, .36), (.02 * side, .6),
                      (.6 * side, .6), (.6 * side, -.6)), dark, .38)
    for x in (-.16, .16):
        pen.line(blob((x - .085, .02), (x, .055), (x + .085, .02), closed=False), (52, 28, 40), .042)
        pen.line(blob((x - .09, -.10), (x, -.14), (x + .09, -.10), closed=False), mix(dark, (40, 20, 30), .5), .026)
    if person.person == "woman":
        pen.flat(blob((-.095, .275), (-.03, .25), (0, .262), (.03, .25), (.095, .275), (0, .335)), (196, 52, 66))
    else:
        pen.line(blob((-.09, .285), (0, .295), (.09, .285), closed=False), mix(dark, (90, 30, 30), .5), .035)
    if person.shows_hair:
        _hair(pen, person, FRONT_HAIR)


def _profile(pen, person):
    light, mid, dark = SKINS[person.skin]
    pen.shade(SIDE_FACE, (light, mid), (.4, -.3), (-.2, .4))
    with pen.clip(SIDE_FACE):
        pen.flat(blob((.05, .1), (.1, .3), (.28, .43), (.1, .6), (-.3, .5), (-.4, .1)), dark, .35)
    pen.line(blob((.165, .015), (.225, .045), (.28, .02), closed=False), (52, 28, 40), .042)
    pen.line(blob((.17, -.11), (.24, -.13), (.30, -.10), closed=False), mix(dark, (40, 20, 30), .5), .026)
    colour = (196, 52, 66) if person.person == "woman" else mix(dark, (90, 30, 30), .4)
    pen.flat(blob((.25, .285), (.335, .25), (.36, .27), (.33, .285), (.34, .315), (.3, .325)), colour)
    if person.shows_hair:
        _hair(pen, person, SIDE_HAIR)


def _hair(pen, person, table):
    """The cap of hair and, for some styles, what falls in front of the shoulder."""
    tone = pen.tone(person.hair_colour)
    for path in table["cap"] + table.get(person.hair_style, ()):
        pen.solid(path, (tone[0], tone[1], mix(tone[1], tone[2], .6)))


def _ring_of(*discs):
    return tuple(oval(*d) for d in discs)


FRONT_NECK = poly((-.155, .3), (.155, .3), (.17, .72), (.3, .84), (0, 1.02), (-.3, .84), (-.17, .72))
FRONT_FACE = blob((0, -.46), (.27, -.36), (.355, -.05), (.30, .22), (.16, .42), (0, .49), (-.16, .42), (-.30, .22),
                  (-.355, -.05), (-.27, -.36))
SIDE_NECK = poly((-.25, .1), (.16, .36), (.12, .72), (.24, .86), (-.05, 1.0), (-.34, .84), (-.24, .7))
SIDE_FACE = blob((0, -.47), (.21, -.38), (.29, -.2), (.285, -.06), (.33, .06), (.40, .145), (.325, .185), (.345, .24),
                 (.31, .275), (.34, .315), (.30, .36), (.315, .43), (.24, .485), (.08, .41), (-.08, .26),
                 (-.3, .1), (-.36, -.2), (-.22, -.42), tension=.42)

FRONT_HAIR = {
    "cap": (blob((-.37, .08), (-.42, -.2), (-.3, -.47), (0, -.58), (.3, -.47), (.42, -.2), (.37, .08), (.31, -.1),
                 (.2, -.28), (-.06, -.36), (-.22, -.24), (-.31, -.08)),),
    "bun": _ring_of((0, -.66, .2)),
    "curly": _ring_of((-.4, -.12, .15), (-.43, .12, .15), (.4, -.12, .15), (.43, .12, .15), (-.3, -.38, .16),
                      (.3, -.38, .16), (-.1, -.52, .16), (.12, -.52, .16)),
    "braid": _ring_of((.40, .12, .11), (.45, .30, .115), (.48, .49, .12), (.50, .68, .115), (.50, .87, .11),
                      (.49, 1.04, .10), (.48, 1.19, .075)),
    "long": (blob((-.36, -.2), (-.44, .1), (-.5, .5), (-.44, .95), (-.3, 1.0), (-.34, .5), (-.33, .1)),
             blob((.36, -.2), (.44, .1), (.5, .5), (.44, .95), (.3, 1.0), (.34, .5), (.33, .1))),
}
SIDE_HAIR = {
    "cap": (blob((.25, -.30), (.15, -.53), (-.1, -.6), (-.36, -.48), (-.48, -.2), (-.44, .1), (-.32, .28), (-.16, .3),
                 (-.06, .12), (-.02, -.08), (.1, -.16)),),
    "bun": _ring_of((-.5, -.3, .2)),
    "curly": _ring_of((-.44, -.3, .17), (-.5, -.05, .18), (-.42, .2, .18), (-.3, .4, .16), (-.25, -.5, .17),
                      (0, -.58, .15), (.16, -.46, .12), (-.2, .1, .15)),
    "braid": _ring_of((-.44, .2, .13), (-.5, .38, .125), (-.54, .57, .125), (-.56, .76, .12), (-.57, .94, .11),
                      (-.57, 1.1, .10), (-.56, 1.24, .075)),
    "ponytail": (blob((-.4, -.34), (-.62, -.42), (-.84, -.2), (-.9, .2), (-.78, .7), (-.68, .95), (-.68, .5),
                      (-.66, .1), (-.52, -.1)),),
    "long": (blob((-.3, -.3), (-.5, 0), (-.56, .5), (-.62, 1.1), (-.3, 1.15), (-.16, .6), (-.1, .2)),),
}
BACK_HAIR = {
    "front": {
        "long": (blob((0, -.5), (.42, -.3), (.52, .2), (.6, .8), (.5, 1.15), (-.5, 1.15), (-.6, .8), (-.52, .2),
                      (-.42, -.3)),),
        "ponytail": (blob((.1, -.6), (.42, -.66), (.66, -.3), (.72, .2), (.6, .75), (.52, .3), (.44, -.1),
                          (.25, -.3)),),
        "curly": (blob((0, -.6), (.5, -.35), (.6, .2), (.5, .6), (-.5, .6), (-.6, .2), (-.5, -.35)),),
        "braid": (blob((0, -.5), (.4, -.3), (.44, .1), (.2, .4), (-.2, .4), (-.44, .1), (-.4, -.3)),),
    },
    "profile": {},
}
