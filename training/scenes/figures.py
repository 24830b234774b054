"""People: busts, standing and sitting bodies, alone or side by side."""
from .heads import draw_head, draw_head_back, draw_neck
from .outfits import draw_bust, draw_necklace, draw_sitting, draw_standing
from .furniture import draw_chair
from .ground import cloud
from .palette import mix
from .pen import blob

STANDING_HEAD, SITTING_HEAD = .15, .165


def draw_people(pen, scene):
    """The scene's people in their boxes (fx, fy of the feet or of the face, scale)."""
    for person, (fx, fy, size) in zip(scene.people, scene.boxes["people"]):
        x, y = fx * pen.w, fy * pen.h
        flip = person.facing < 0
        if person.framing == "portrait":
            with pen.at(x, y, size, flip=flip):
                draw_head_back(pen, person)
                with pen.at(0, -.14):
                    draw_bust(pen, person)
                draw_neck(pen, person)
                if person.pearls:
                    draw_necklace(pen, person)
                draw_head(pen, person)
            continue
        if scene.smoke:
            _smoke(pen, x, y, size)
        if person.pose == "standing":
            with pen.at(x, y, size, flip=flip):
                _whole(pen, person, draw_standing, (0, -.905), STANDING_HEAD)
        else:
            if scene.seat == "cloud":
                cloud(pen, x + .06 * size * person.facing, y + .08 * size, .42 * size)
            with pen.at(x, y, size, flip=flip):
                if scene.seat in ("chair", "throne"):
                    draw_chair(pen, scene.seat, pen.tone(scene.seat_colour))
                _whole(pen, person, draw_sitting, (-.02, -.80), SITTING_HEAD)
            if scene.seat == "cloud":
                cloud(pen, x + .06 * size * person.facing, y + .25 * size, .37 * size)


def _whole(pen, person, body, head, scale):
    """Back of the head, body, head: in the order of depth."""
    if person.cape:
        _cape(pen, person, head)
    with pen.at(head[0], head[1], scale):
        draw_head_back(pen, person)
    body(pen, person)
    with pen.at(head[0], head[1], scale):
        draw_neck(pen, person)
        draw_head(pen, person)


def _cape(pen, person, head):
    """A cape behind the body, from the shoulders to the floor (or the seat)."""
    x, top = head[0], head[1] + .11
    long = .80 if person.pose == "standing" else .46
    shape = blob((x - .06, top), (x - .15, top + .06), (x - .25, top + long * .6), (x - .30, top + long),
                 (x, top + long - .03), (x + .30, top + long), (x + .25, top + long * .6), (x + .15, top + .06),
                 (x + .06, top))
    _, mid, dark = pen.tone(person.cape)
    pen.solid(shape, (mid, mix(mid, dark, .5), dark))


def _smoke(pen, x, y, size):
    """Round puffs on both sides of the feet."""
    for dx, dy, r in ((-.34, -.10, .12), (.33, -.08, .12), (-.2, -.03, .11), (.2, -.02, .11), (-.46, -.02, .12),
                      (.46, -.02, .12), (-.40, -.30, .09), (.42, -.27, .09), (-.46, -.46, .06), (.47, -.44, .06)):
        pen.glow(x + dx * size, y + dy * size, r * 1.7 * size, (232, 228, 236), .75)
