"""Rockets and flying saucers."""
from .ornament import scroll
from .palette import GOLD_PALE, mix
from .pen import blob, box, oval, poly


def draw_ships(pen, scene):
    """All ships of the scene, each in its own box (fx, fy, half length)."""
    draw = _rocket if scene.ship_kind == "rocket" else _saucer
    for i, (fx, fy, r) in enumerate(scene.boxes["ships"]):
        with pen.at(fx * pen.w, fy * pen.h, r, flip=scene.ship_heading < 0,
                    turn=(-38 if scene.ship_heading > 0 else 38) if draw is _rocket else -6 + 5 * i):
            draw(pen, pen.tone(scene.ship_colour))


def _rocket(pen, tone):
    """A cigar-shaped rocket that flies to the right, one unit = half its length."""
    trail = poly((-.8, -.13), (-1.6, 0.0), (-.8, .13))
    pen.shade(trail, ((255, 240, 190), (255, 150, 60), (220, 60, 40)), (-.8, 0), (-1.6, 0), 0.9)
    fin = pen.tone("gold") if pen.look.ornate else pen.tone("red" if tone is not pen.tone("red") else "silver")
    pen.solid(poly((-.35, -.2), (-1.0, -.62), (-.92, -.12)), fin)
    pen.solid(poly((-.35, .2), (-1.0, .62), (-.92, .12)), fin)
    hull = blob((1.05, 0.0), (.55, -.24), (-.2, -.31), (-.85, -.17), (-.85, .17), (-.2, .31), (.55, .24))
    pen.solid(hull, tone, vertical=True)
    with pen.clip(hull):
        pen.flat(box(.55, -1, 1.2, 1), fin[1])
        pen.flat(box(-.72, -1, -.58, 1), fin[1])
    pen.outline(hull)
    pen.flat(oval(.2, -.02, .14), (40, 50, 90))
    pen.flat(oval(.17, -.05, .08), (170, 225, 250))
    if pen.look.ornate:
        scroll(pen, .05, .05, .55, turn=180, width=0.006)
        pen.line(oval(.2, -.02, .15), GOLD_PALE, .05)


def _saucer(pen, tone):
    """A disc with a glass dome, one unit = half its width."""
    pen.glow(0, .35, .8, (170, 240, 255), 0.4)
    pen.solid(oval(0, -.18, .46, .42), pen.tone("aqua"))
    hull = oval(0, 0, 1.0, .3)
    pen.solid(hull, tone, vertical=True)
    pen.flat(oval(0, .1, .62, .12), mix(tone[2], (0, 0, 0), .2))
    for k in (-.66, -.24, .24, .66):
        pen.flat(oval(k, .02, .085), (255, 236, 160))
