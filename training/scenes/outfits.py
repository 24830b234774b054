"""Clothes on the three bodies: bust (head units), standing and sitting (unit height, feet at the origin)."""
from .ornament import scroll, trim
from .palette import GOLD, GOLD_PALE, SKINS, mix
from .pen import blob, box, oval, poly

METAL = ("armor", "robot costume", "space suit")


def draw_bust(pen, person):
    """Neck to chest for a portrait; y = 1 is at the collar bones, 2.2 below the picture."""
    tone, skin = pen.tone(person.outfit_colour), SKINS[person.skin]
    if person.cape:
        _, mid, dark = pen.tone(person.cape)
        pen.solid(BUST_CAPE, (mid, mix(mid, dark, .5), dark))
    if person.outfit == "dress":
        pen.shade(BUST_SKIN, skin, (-.6 * pen.light, .7), (.7 * pen.light, 1.6))
    _bust_cloth(pen, person, tone)


def draw_necklace(pen, person):
    """Pearls round the neck of a bust, over neck and cloth."""
    turn = .05 if person.view == "profile" else 0
    for k in range(-4, 5):
        y = .90 - .0155 * k * k
        pen.flat(oval(k * .068 + turn, y, .05), (255, 252, 244))
        pen.flat(oval(k * .068 + .012 + turn, y + .015, .028), (206, 198, 210))


def _bust_cloth(pen, person, tone):
    light, mid, dark = tone
    if person.outfit == "dress":
        pen.solid(BUST_BODICE, tone)
        for side in (-1, 1):
            puff = oval(side * .94, 1.22, .34, .36)
            pen.solid(puff, tone)
        pen.line(BUST_NECKLINE, mix(light, (255, 255, 255), .5), .07)
        for x in (-.3, 0, .3):
            pen.line(poly((x * .6, 1.3), (x, 2.6)), dark, .035, .5)
        edge = BUST_NECKLINE
    elif person.outfit == "robe":
        pen.solid(BUST_SHOULDERS, tone)
        pen.solid(poly((-.44, .62), (0, 1.5), (-.2, 2.4), (-.75, 1.2)), (light, mid, mid), outline=True)
        pen.solid(poly((.44, .62), (0, 1.5), (.2, 2.4), (.75, 1.2)), (mid, mid, dark), outline=True)
        edge = BUST_V
    else:
        pen.solid(BUST_SHOULDERS, tone)
        _bust_metal(pen, person, tone)
        edge = BUST_COLLAR
    if pen.look.ornate:
        trim(pen, edge, .065)
        for flip in (False, True):
            with pen.at(.16 if not flip else -.16, 1.55, .55, flip=flip, turn=18 if not flip else -18):
                scroll(pen, 0, 0, 1, colour=GOLD_PALE if person.outfit_colour != "gold" else GOLD, width=.009)


def _bust_metal(pen, person, tone):
    dark = tone[2]
    if person.outfit == "armor":
        for side in (-1, 1):
            for k, r in enumerate((.42, .36, .3)):
                pen.solid(oval(side * (.82 + .05 * k), 1.22 + .2 * k, r, r * .72), tone)
        pen.solid(blob((-.5, 1.05), (.5, 1.05), (.55, 1.9), (0, 2.4), (-.55, 1.9), tension=.35), tone)
        pen.line(poly((0, 1.1), (0, 2.3)), dark, .04)
    elif person.outfit == "space suit":
        pen.solid(box(-.34, 1.4, .34, 1.95, .06), pen.tone("silver"))
        for k, c in enumerate(("red", "gold", "blue")):
            pen.flat(oval(-.18 + .18 * k, 1.55, .06), pen.tone(c)[1])
        pen.line(poly((-.75, 1.15), (-.62, 2.4)), dark, .06)
        pen.line(poly((.75, 1.15), (.62, 2.4)), dark, .06)
    else:
        for y in (1.3, 1.55, 1.8):
            pen.line(poly((-.6, y), (.6, y)), dark, .04)
        for side in (-1, 1):
            pen.solid(oval(side * .9, 1.25, .26), tone)
            pen.flat(oval(side * .9, 1.25, .1), dark)
        pen.flat(oval(0, 1.42, .13), (120, 235, 255))
    pen.solid(box(-.36, .72, .36, .98, .1), tone)


def draw_standing(pen, person):
    """A standing figure seen from the front, head excluded; shoulders at y = -.79."""
    tone, skin = pen.tone(person.outfit_colour), SKINS[person.skin]
    if person.outfit in METAL:
        _legs(pen, person, tone)
    _arms(pen, person, tone, skin)
    if person.outfit == "dress":
        _gown(pen, tone, STAND_SKIRT, PLEATS)
        pen.shade(CHEST_SKIN, skin, (-.1 * pen.light, -.8), (.1 * pen.light, -.7))
        pen.solid(BODICE, tone)
        for side in (-1, 1):
            pen.solid(oval(side * .105, -.755, .048, .05), tone)
        pen.line(poly((-.062, -.585), (.062, -.585)), pen.tone("gold")[1], .016)
    elif person.outfit == "robe":
        _gown(pen, tone, STAND_ROBE, ())
        pen.solid(poly((-.045, -.82), (0, -.62), (-.03, 0), (-.12, 0), (-.09, -.78)), (tone[0], tone[0], tone[1]))
        pen.solid(poly((.045, -.82), (0, -.62), (.03, 0), (.12, 0), (.09, -.78)), (tone[0], tone[1], tone[2]))
    else:
        _torso(pen, person, tone)
    if person.pearls:
        for k in range(-3, 4):
            pen.flat(oval(k * .017, -.775 - .002 * k * k, .0105), (255, 252, 244))


def _gown(pen, tone, skirt, pleats):
    light, _, dark = tone
    pen.solid(skirt, tone)
    with pen.clip(skirt):
        for x0, x1 in pleats:
            pen.flat(poly((x0 * .25, -.6), (x0, .05), (x0 + x1, .05)), dark, .38)
        pen.line(HEM, mix(light, (255, 255, 255), .35), .022)
        if pen.look.ornate:
            trim(pen, HEM, .026)
            for x in (-.16, -.02, .12):
                scroll(pen, x, -.10, .15, turn=-30, width=.007)
            trim(pen, poly((0, -.56), (0, 0)), .018)
    pen.outline(skirt)


def _arms(pen, person, tone, skin):
    """Two arms, slightly away from the body; gloves cover the forearms."""
    sleeve = skin if person.outfit == "dress" else tone
    hand = pen.tone("white" if person.outfit_colour != "white" else "gold") if person.gloves else skin
    for side in (-1, 1):
        upper = blob((side * .09, -.78), (side * .145, -.74), (side * .19, -.60), (side * .20, -.56),
                     (side * .15, -.56), (side * .12, -.66))
        fore = blob((side * .20, -.60), (side * .21, -.52), (side * .19, -.42), (side * .15, -.41), (side * .16, -.52))
        pen.solid(upper, sleeve)
        pen.solid(fore, hand if person.gloves or person.outfit == "dress" else sleeve)
        pen.flat(oval(side * .17, -.40, .027), hand[1])


def _legs(pen, person, tone):
    for side in (-1, 1):
        leg = blob((side * .01, -.5), (side * .12, -.5), (side * .115, -.25), (side * .10, -.02), (side * .03, -.02),
                   (side * .03, -.25), tension=.35)
        pen.solid(leg, tone)
        boot = pen.tone("black" if person.outfit_colour != "black" else "gold") if person.boots else tone
        inner, outer = sorted((side * .015, side * .13))
        pen.solid(box(inner, -.15 if person.boots else -.05, outer, 0, .025), boot)
        pen.flat(oval(side * .07, -.27, .035), tone[2])


def _torso(pen, person, tone):
    dark = tone[2]
    pen.solid(TORSO, tone)
    if person.outfit == "armor":
        for side in (-1, 1):
            pen.solid(oval(side * .12, -.755, .065, .055), tone)
        pen.line(poly((0, -.76), (0, -.5)), dark, .01)
        pen.line(poly((-.09, -.6), (.09, -.6)), dark, .012)
    elif person.outfit == "space suit":
        pen.solid(box(-.055, -.70, .055, -.61, .012), pen.tone("silver"))
        for k, c in enumerate(("red", "gold", "blue")):
            pen.flat(oval(-.03 + .03 * k, -.655, .011), pen.tone(c)[1])
    else:
        for y in (-.66, -.59, -.53):
            pen.line(poly((-.085, y), (.085, y)), dark, .012)
        pen.flat(oval(0, -.71, .028), (120, 235, 255))
        for side in (-1, 1):
            pen.solid(oval(side * .125, -.75, .045), tone)
    pen.solid(box(-.095, -.525, .095, -.485, .01), pen.tone("gold" if person.outfit_colour != "gold" else "brown"))
    if pen.look.ornate:
        for flip in (False, True):
            scroll(pen, 0, -.6, .15, flip=flip, turn=0, width=.008)


def draw_sitting(pen, person):
    """A figure that sits facing right, head excluded; seat at y = -.36, knee at x = .27."""
    tone, skin = pen.tone(person.outfit_colour), SKINS[person.skin]
    light, _, dark = tone
    boot = pen.tone("black" if person.outfit_colour != "black" else "gold") if person.boots else tone
    pen.solid(blob((.20, -.09), (.29, -.09), (.30, -.04), (.38, -.03), (.39, .0), (.20, .0), tension=.3), boot)
    if person.outfit in METAL:
        pen.solid(blob((-.12, -.42), (.24, -.45), (.31, -.40), (.30, -.06), (.20, -.06), (.20, -.30), (-.1, -.31),
                       tension=.3), tone)
        pen.flat(oval(.265, -.395, .04), dark)
    else:
        skirt = SIT_SKIRT
        pen.solid(skirt, tone)
        with pen.clip(skirt):
            for x0, x1 in ((.06, .05), (.17, .06), (.28, .07)):
                pen.flat(poly((x0 - .08, -.38), (x0, .02), (x0 + x1, .02)), dark, .38)
            pen.line(SIT_HEM, mix(light, (255, 255, 255), .35), .024)
            if pen.look.ornate:
                trim(pen, SIT_HEM, .028)
                scroll(pen, .08, -.2, .2, turn=30, width=.007)
        pen.outline(skirt)
    pen.solid(SIT_TORSO, tone)
    if person.outfit == "dress":
        pen.flat(blob((-.05, -.70), (.06, -.68), (.04, -.62), (-.03, -.63)), skin[1])
    elif person.outfit in METAL:
        pen.line(poly((-.10, -.48), (.08, -.48)), dark, .014)
        pen.solid(box(-.02, -.61, .07, -.52, .012), pen.tone("silver" if person.outfit_colour != "silver" else "gold"))
    sleeve = skin if person.outfit == "dress" else tone
    hand = pen.tone("white" if person.outfit_colour != "white" else "gold") if person.gloves else skin
    pen.solid(blob((-.07, -.66), (.0, -.66), (.035, -.52), (.02, -.46), (-.045, -.47)), sleeve)
    pen.solid(blob((-.03, -.51), (.03, -.52), (.2, -.455), (.2, -.42), (.02, -.44)), hand if person.gloves else sleeve)
    pen.flat(oval(.205, -.437, .03), hand[1])
    pen.solid(oval(-.035, -.64, .065, .06), tone)
    if person.pearls:
        for k in range(4):
            pen.flat(oval(-.02 + k * .022, -.70 + .004 * k, .0115), (255, 252, 244))


BUST_SKIN = blob((-.2, .6), (-.34, .85), (-.95, 1.05), (-1.15, 1.6), (1.15, 1.6), (.95, 1.05), (.34, .85), (.2, .6))
BUST_SHOULDERS = blob((-.25, .8), (-.6, .93), (-1.05, 1.1), (-1.25, 1.7), (-1.35, 2.8), (1.35, 2.8), (1.25, 1.7),
                      (1.05, 1.1), (.6, .93), (.25, .8))
BUST_BODICE = blob((-.95, 1.12), (-.5, 1.1), (0, 1.26), (.5, 1.1), (.95, 1.12), (1.0, 1.9), (1.25, 2.8), (-1.25, 2.8),
                   (-1.0, 1.9))
BUST_NECKLINE = blob((-.85, 1.12), (-.5, 1.1), (0, 1.26), (.5, 1.1), (.85, 1.12), closed=False)
BUST_V = blob((-.44, .62), (0, 1.5), (.44, .62), closed=False, tension=.1)
BUST_COLLAR = blob((-.36, .95), (0, 1.0), (.36, .95), closed=False)
BUST_CAPE = blob((-.5, .55), (-.95, .85), (-1.5, 1.4), (-1.7, 2.8), (1.7, 2.8), (1.5, 1.4), (.95, .85), (.5, .55),
                 (0, .95))
STAND_SKIRT = blob((-.06, -.6), (-.13, -.46), (-.23, -.22), (-.34, 0), (-.17, .02), (0, .012), (.17, .02), (.34, 0),
                   (.23, -.22), (.13, -.46), (.06, -.6))
STAND_ROBE = blob((-.05, -.81), (-.12, -.77), (-.14, -.5), (-.2, -.2), (-.25, .01), (0, .02), (.25, .01), (.2, -.2),
                  (.14, -.5), (.12, -.77), (.05, -.81))
PLEATS = ((-.26, .07), (-.12, .07), (.03, .07), (.18, .08))
HEM = blob((-.36, -.02), (-.17, .0), (0, -.008), (.17, .0), (.36, -.02), closed=False)
CHEST_SKIN = blob((-.03, -.84), (-.11, -.78), (-.1, -.70), (.1, -.70), (.11, -.78), (.03, -.84))
BODICE = blob((-.1, -.74), (-.05, -.735), (0, -.715), (.05, -.735), (.1, -.74), (.075, -.65), (.062, -.575),
              (-.062, -.575), (-.075, -.65))
TORSO = blob((-.04, -.82), (-.12, -.78), (-.115, -.66), (-.09, -.56), (-.11, -.47), (.11, -.47), (.09, -.56),
             (.115, -.66), (.12, -.78), (.04, -.82))
SIT_TORSO = blob((-.06, -.71), (-.115, -.66), (-.12, -.5), (-.13, -.36), (.09, -.36), (.07, -.5), (.085, -.62),
                 (.04, -.71))
SIT_SKIRT = blob((-.13, -.44), (.06, -.47), (.24, -.45), (.31, -.38), (.34, -.2), (.42, -.015), (.2, .0), (.02, -.015),
                 (.1, -.2), (.04, -.31), (-.14, -.33), tension=.42)
SIT_HEM = blob((0, -.03), (.2, -.016), (.44, -.03), closed=False)
