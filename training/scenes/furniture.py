"""A chair or a throne, in the units of a sitting figure (feet at the origin, facing right)."""
from .ornament import scroll, trim
from .pen import box, oval, poly, blob


def draw_chair(pen, kind, tone):
    """Seat top at y = -.34; the back stands at the left."""
    if kind == "throne":
        back = blob((-.26, -.1), (-.30, -.75), (-.27, -.98), (-.155, -1.1), (-.06, -.98), (-.08, -.75), (-.06, -.1),
                    tension=.3)
        pen.solid(back, tone)
        pen.line(back, pen.tone("gold")[1], .022)
        pen.flat(oval(-.155, -1.11, .045), pen.tone("gold")[0])
        pen.solid(box(-.28, -.36, .27, -.24, .02), tone)
        pen.line(box(-.28, -.36, .27, -.24, .02), pen.tone("gold")[1], .018)
        pen.solid(box(-.27, -.25, .24, -.0), tone)
    else:
        for x in (-.235, .19):
            pen.solid(poly((x, -.3), (x + .05, -.3), (x + .04, 0), (x + .01, 0)), tone)
        pen.solid(box(-.25, -.88, -.185, -.28, .025), tone)
        pen.solid(box(-.26, -.375, .26, -.30, .03), tone)
    if pen.look.ornate:
        if kind == "chair":
            pen.flat(oval(-.217, -.90, .042), pen.tone("gold")[0])
        scroll(pen, -.19, -.16, .24, turn=-20, width=.008)
        trim(pen, poly((-.24, -.335), (.24, -.335)), .022)
