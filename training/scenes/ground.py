"""What lies below: hills, mountains, desert, sea, a plain, and banks of clouds."""
import numpy as np

from .palette import GOLD, GOLD_PALE, mix
from .ornament import scroll
from .pen import blob, box, oval, poly


def draw_ground(pen, scene, rng):
    """Three atmospheric layers: the farthest takes the sky's colour."""
    if scene.ground:
        horizon = pen.look.skies[scene.sky][2]
        GROUNDS[scene.ground](pen, scene, rng, pen.tone(scene.ground_colour), horizon)


def _mountains(pen, scene, rng, tone, horizon):
    light, mid, dark = tone
    for layer, (base, high, count) in enumerate(((.74, .26, 5), (.84, .2, 4), (.94, .13, 5))):
        fog = (0.6, 0.28, 0.0)[layer]
        lit, shade = mix(mix(light, mid, layer * .45), horizon, fog), mix(mix(mid, dark, layer * .5), horizon, fog)
        step = pen.w / count
        for i in range(count + 1):
            x = (i + rng.uniform(-.25, .25)) * step
            peak = (base - high * rng.uniform(.55, 1.0)) * pen.h
            wide = step * rng.uniform(.75, 1.0)
            foot = base * pen.h + .12
            left, right = (lit, shade) if pen.light > 0 else (shade, lit)
            pen.flat(poly((x, peak), (x + wide, foot), (x + .1 * wide, foot)), right)
            pen.flat(poly((x, peak), (x + .1 * wide, foot), (x - wide, foot)), left)
            if pen.look.line and layer:
                pen.line(poly((x, peak), (x + wide, foot), (x - wide, foot)), GOLD, .007)
        pen.shade(box(0, (base + .02) * pen.h, pen.w, pen.h), (shade, mix(shade, dark, .4)),
                  (0, base * pen.h), (0, pen.h))


def _hills(pen, scene, rng, tone, horizon):
    light, mid, dark = tone
    for layer, base in enumerate((.70, .79, .89)):
        fog = (0.5, 0.22, 0.0)[layer]
        _wave(pen, rng, base, .055, (mix(mix(light, mid, layer * .4), horizon, fog),
                                     mix(mix(mid, dark, .35 + layer * .3), horizon, fog)))


def _desert(pen, scene, rng, tone, horizon):
    light, mid, dark = tone
    for layer, base in enumerate((.76, .85, .94)):
        fog = (0.45, 0.18, 0.0)[layer]
        _wave(pen, rng, base, .03, (mix(mix(light, mid, layer * .35), horizon, fog),
                                    mix(mix(mid, dark, layer * .4), horizon, fog)))


def _wave(pen, rng, base, amplitude, colours):
    """One rolling layer from edge to edge."""
    count = 5
    heights = base * pen.h + rng.uniform(-1, 1, count) * amplitude
    xs = np.linspace(-.15, pen.w + .15, count)
    top = [(float(x), float(y)) for x, y in zip(xs, heights)]
    path = blob(*top, (pen.w + .3, pen.h + .6), (-.3, pen.h + .6))
    pen.shade(path, colours, (0, base * pen.h - amplitude), (0, min(pen.h, base * pen.h + .25)))
    if pen.look.line:
        pen.line(path, GOLD, .007)
        scroll(pen, xs[1 + (count % 3)], base * pen.h + .03, .16, colour=mix(GOLD, colours[1], .3), width=.007)


def _sea(pen, scene, rng, tone, horizon):
    light, mid, dark = tone
    y = .72 * pen.h
    pen.shade(box(0, y, pen.w, pen.h), (mix(light, horizon, .45), mid, dark), (0, y), (0, pen.h))
    pen.flat(box(0, y - .004, pen.w, y + .004), mix(light, (255, 255, 255), .4))
    for k, (x, u) in enumerate(rng.random((9, 2))):
        depth = (k + .5) / 9
        cy = y + depth * (pen.h - y)
        wide = .05 + .12 * depth + .05 * u
        colour = GOLD_PALE if pen.look.ornate else mix(light, (255, 255, 255), .5)
        pen.flat(oval(float(x * pen.w), cy, wide, .006 + .007 * depth), colour, .75)


def _plain(pen, scene, rng, tone, horizon):
    light, mid, dark = tone
    y = .8 * pen.h
    pen.shade(box(0, y, pen.w, pen.h), (mix(light, horizon, .35), mid, dark), (0, y), (0, pen.h))


def _clouds(pen, scene, rng, tone, horizon):
    light, mid, dark = tone
    for layer, base in enumerate((.76, .87, .98)):
        colour = mix(mid, light, layer * .5)
        for i in range(6):
            x = (i + rng.uniform(.1, .9)) * pen.w / 6
            r = rng.uniform(.09, .15)
            disc = oval(x, base * pen.h + rng.uniform(-.02, .02), r)
            pen.shade(disc, (colour, mix(colour, mix(dark, horizon, .4), .55)),
                      (x, base * pen.h - r), (x, base * pen.h + r))
            if pen.look.line:
                pen.line(disc, GOLD, .006)
        pen.flat(box(0, base * pen.h + .05, pen.w, pen.h), mix(colour, mix(dark, horizon, .4), .45))


GROUNDS = {"mountains": _mountains, "hills": _hills, "desert": _desert, "sea": _sea,
           "plain": _plain, "clouds": _clouds}


def draw_clouds(pen, scene, rng):
    """Two or three separate clouds high in a daylight sky."""
    if not scene.sky_clouds:
        return
    for fx, fy in ((.2, .16), (.75, .26), (.45, .42))[:2 + int(rng.integers(2))]:
        cloud(pen, (fx + rng.uniform(-.08, .08)) * pen.w, fy * pen.h, rng.uniform(.12, .17))


def cloud(pen, x, y, r, colour="white"):
    """One flat-bottomed cloud, about 2.6 r wide; y is its bottom line."""
    light, mid, dark = pen.tone(colour)
    puffs = ((-.85, -.28, .42), (-.3, -.55, .6), (.4, -.48, .54), (.9, -.25, .38))
    if pen.look.line:
        for dx, dy, k in puffs:
            pen.line(oval(x + dx * r, y + dy * r, k * r), GOLD, .016)
    for dx, dy, k in puffs:
        pen.shade(oval(x + dx * r, y + dy * r, k * r), (light, mix(mid, dark, .3)),
                  (x, y - r * 1.1), (x, y))
    pen.flat(box(x - 1.2 * r, y - .3 * r, x + 1.2 * r, y, .15 * r), mix(mid, dark, .28))
