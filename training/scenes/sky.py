"""Backgrounds: sky gradients, nebula, stars, sun, comet, interior walls and paintings."""
import math

import skia

from .palette import GOLD, argb, mix
from .pen import blob, box, oval, poly
from .ornament import damask, rays


def draw_sky(pen, scene, rng):
    """Fills the whole picture with the scene's sky or wall and what hangs in it."""
    top, mid, low = pen.look.skies[scene.sky]
    whole = box(0, 0, pen.w, pen.h)
    pen.shade(whole, (top, mid, low), (0, 0), (pen.w * 0.15 * pen.light, pen.h))
    if scene.wall:
        _wall(pen, scene, mid, low)
    if scene.nebula:
        _nebula(pen, pen.tone(scene.nebula), rng)
    if pen.look.ornate and not scene.nebula:
        (damask if scene.wall else rays)(pen, mix(mid, GOLD, 0.35))
    if scene.stars:
        _stars(pen, rng)
    if scene.sun:
        _sun(pen, scene)
    if scene.comet:
        _comet(pen, scene)
    if scene.painting:
        _painting(pen, scene)


def _nebula(pen, tone, rng):
    """A diagonal ribbon of soft clouds in light, mid and dark of one colour."""
    light, mid, dark = tone
    slope = rng.uniform(-0.35, 0.35)
    base = rng.uniform(0.3, 0.5) * pen.h
    for i in range(9):
        t = i / 8
        x = t * pen.w
        y = base + slope * (x - pen.w / 2) + rng.uniform(-0.13, 0.13)
        colour = (mid, light, dark, mid)[i % 4]
        pen.glow(x, y, rng.uniform(0.28, 0.46), colour, 0.75)
    for i in range(5):
        x = rng.uniform(0, pen.w)
        y = base + slope * (x - pen.w / 2) + rng.uniform(-0.06, 0.06)
        pen.glow(x, y, rng.uniform(0.10, 0.2), light, 0.8)


def _stars(pen, rng):
    """2-3 px stars (at 256), a few larger four-pointed ones."""
    count = int(26 * pen.w * pen.h)
    paint = skia.Paint(Color=argb(pen.look.star), AntiAlias=True)
    columns = max(1, round((count * pen.w / pen.h) ** .5))
    rows = max(1, round(count / columns))
    for k, (x, y, s) in enumerate(rng.random((columns * rows, 3))):
        x, y = (k % columns + .1 + .8 * x) / columns * pen.w, (k // columns + .1 + .8 * y) / rows * pen.h
        if k % 7 == 3:
            pen.flat(spark(x, y, 0.018 + 0.016 * s), pen.look.star)
        else:
            pen.canvas.drawCircle(x, y, 0.0042 + 0.0035 * s * s, paint)


def spark(x, y, r):
    """Four-pointed star."""
    k = r * 0.22
    return poly((x, y - r), (x + k, y - k), (x + r, y), (x + k, y + k),
                (x, y + r), (x - k, y + k), (x - r, y), (x - k, y - k))


def _sun(pen, scene):
    fx, fy, r = scene.boxes["sun"]
    x, y = fx * pen.w, fy * pen.h
    light, mid, _ = pen.tone(scene.sun)
    pen.glow(x, y, r * 3.2, light, 0.7)
    if pen.look.ornate:
        for k in range(16):
            a = k * math.pi / 8
            n, f = (0.12, 1.75) if k % 2 else (0.09, 1.45)
            pen.flat(poly((x + r * math.cos(a - n), y + r * math.sin(a - n)),
                          (x + f * r * math.cos(a), y + f * r * math.sin(a)),
                          (x + r * math.cos(a + n), y + r * math.sin(a + n))), GOLD)
    pen.shade(oval(x, y, r), (mix(light, (255, 255, 255), 0.5), mid), (x, y - r), (x, y + r))
    pen.outline(oval(x, y, r))


def _comet(pen, scene):
    fx, fy, r = scene.boxes["comet"]
    x, y, side = fx * pen.w, fy * pen.h, 1 if fx > 0.5 else -1
    tail = poly((x - 0.018 * side, y - 0.026), (x + 0.36 * side, y - 0.24), (x + 0.38 * side, y - 0.17),
                (x + 0.018 * side, y + 0.026))
    head = (255, 250, 230)
    colour = GOLD if pen.look.ornate else (190, 225, 255)
    shader = skia.GradientShader.MakeLinear(
        [skia.Point(x, y), skia.Point(x + 0.37 * side, y - 0.2)], [argb(head, 0.95), argb(colour, 0.0)])
    pen.canvas.drawPath(tail, skia.Paint(Shader=shader, AntiAlias=True))
    pen.glow(x, y, r * 2.2, colour, 0.8)
    pen.flat(oval(x, y, r), head)


def _wall(pen, scene, mid, low):
    """An interior: a plain wall with a floor line, softly lit."""
    pen.glow(pen.w * (0.5 - 0.2 * pen.light), pen.h * 0.35, 0.75, mix(low, (255, 240, 215), 0.3), 0.55)
    if scene.floor:
        y = pen.h * 0.8
        floor = box(0, y, pen.w, pen.h)
        pen.shade(floor, (mix(mid, (0, 0, 0), 0.35), mix(mid, (0, 0, 0), 0.6)), (0, y), (0, pen.h))
        pen.flat(box(0, y - 0.02, pen.w, y), mix(low, (0, 0, 0), 0.25))


def _painting(pen, scene):
    """A framed picture on the wall: flowers, a landscape or a woman (a plain silhouette)."""
    from .plants import flower, leaf
    fx, fy, r = scene.boxes["painting"]
    x, y = fx * pen.w, fy * pen.h
    pen.flat(box(x - r + .02, y - r * 1.2 + .03, x + r + .02, y + r * 1.2 + .03), (0, 0, 0), 0.3)
    pen.solid(box(x - r, y - r * 1.2, x + r, y + r * 1.2), pen.tone("gold"))
    k = 0.8
    inner = box(x - r * k, y - r * 1.2 + r * (1 - k), x + r * k, y + r * 1.2 - r * (1 - k))
    ground = {"flowers": "green", "woman": "brown", "landscape": "blue"}[scene.painting]
    light, mid, dark = pen.tone(ground)
    pen.shade(inner, (light, mid, dark), (x, y - r), (x, y + r))
    with pen.clip(inner):
        if scene.painting == "flowers":
            for dx, dy, c in ((-.35, .1, "red"), (.3, -.3, "pink"), (.2, .45, "white"), (-.3, -.55, "orange")):
                leaf(pen, x + dx * r, y + dy * r, r * 0.55, 40 + 200 * dx, "green")
                flower(pen, x + dx * r, y + dy * r, r * 0.34, c)
        elif scene.painting == "woman":
            pen.flat(blob((x - .6 * r, y + 1.2 * r), (x - .42 * r, y + .45 * r), (x, y + .25 * r),
                          (x + .42 * r, y + .45 * r), (x + .6 * r, y + 1.2 * r)), pen.tone("red")[1])
            pen.flat(oval(x, y - .2 * r, .38 * r, .46 * r), pen.tone("brown")[2])
            pen.flat(oval(x + .02 * r, y - .12 * r, .25 * r, .34 * r), (240, 196, 165))
        else:
            pen.flat(poly((x - r, y + r), (x - .3 * r, y - .3 * r), (x + .5 * r, y + r)), pen.tone("purple")[1])
            pen.flat(poly((x - .2 * r, y + r), (x + .5 * r, y), (x + 1.2 * r, y + r)), pen.tone("purple")[2])
            pen.flat(oval(x + .3 * r, y - .6 * r, .2 * r), pen.tone("gold")[0])
