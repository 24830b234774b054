"""Places a scene's things so that they do not cover each other; all jitter comes from the scene's seed."""
import numpy as np

X_OF = {"left": .24, "right": .76, "center": .5, "top": .5}

# The comet's head; its tail points away from the middle.
COMET_AT = {"left": (.62, .32), "right": (.38, .32), "center": (.40, .86), "top": (.60, .66)}


def place(scene):
    """Fills scene.boxes from its attributes (same seed and attributes: same boxes)."""
    rng = np.random.default_rng([scene.seed, 41])
    w, h = max(1.0, scene.aspect), max(1.0, 1 / scene.aspect)
    floor = .66 if scene.ground or scene.building else 1.0
    boxes = {"people": _people(scene, w, h)}
    bust = bool(scene.people) and scene.people[0].framing == "portrait"
    taken = [(fx * w, fy * h - (-.3 * s if bust else .5 * s), 1.0 * s if bust else .55 * s)
             for fx, fy, s in boxes["people"]]
    if scene.building and scene.building != "columns":
        boxes["building"] = _building(scene, rng, w, h)
        bx, _, br = boxes["building"]
        taken.append((bx * w, .9 * h - .6 * br, .6 * br))
    elif scene.building:
        boxes["building"] = (X_OF[scene.building_place], .9, .68)
    if scene.planet:
        boxes["planet"] = _planet(scene, rng, h, floor)
        px, py, pr = boxes["planet"]
        taken.append((px * w, py * h, pr * (1.55 if scene.rings else 1.1)))
    if scene.sun:
        boxes["sun"] = _sun(scene, rng, floor)
        taken.append((boxes["sun"][0] * w, boxes["sun"][1] * h, boxes["sun"][2] * 1.4))
    if scene.comet:
        x, y = COMET_AT[scene.planet_place if scene.planet else "left"]
        boxes["comet"] = (x + float(rng.uniform(-.04, .04)), y + float(rng.uniform(-.04, .06)), .026)
        taken.append((boxes["comet"][0] * w + (.15 if x > .5 else -.15), boxes["comet"][1] * h - .1, .2))
    boxes["ships"] = [_free(rng, taken, w, h, floor, r, .95) for r in _ship_sizes(scene, rng)]
    boxes["moons"] = [_free(rng, taken, w, h, floor, float(rng.uniform(.042, .062)), 1.7) for _ in range(scene.moons)]
    if scene.painting:
        x = .2 if w <= 1.1 else .24
        boxes["painting"] = (x if scene.light < 0 else 1 - x, .3 if h < 1.2 else .24, .17)
    scene.boxes = boxes
    return scene


def _ship_sizes(scene, rng):
    big = {0: 0, 1: .17, 2: .13, 3: .105}[scene.ships]
    return [float(big * rng.uniform(.9, 1.12)) for _ in range(scene.ships)]


def _people(scene, w, h):
    n = len(scene.people)
    if not n:
        return []
    framing = scene.people[0].framing
    if framing == "portrait":
        bubble = scene.people[0].headgear == "bubble helmet"
        size = (.345 if bubble else .385) * min(1.12, h) * (.86 if scene.frame else 1)
        return [(.5, .41 if h > 1.1 else .43, size)]
    if framing == "upper body":
        size = min(1.56 * h, 1.9) * (.9 if scene.frame else 1)
        return [(.5, .17 + size / h, size)]
    inside = .08 if scene.frame else 0
    size = (min(.86, .82 * h) if n == 1 else .66 if w < 1.2 else .74) - inside
    if scene.people[0].pose == "sitting":
        size *= .95 if n == 1 else 1.0
    size *= 1.12 if h > 1.15 and n == 1 else 1.0
    foot = (.93 if scene.seat != "cloud" else .78) - (.06 if scene.frame else 0)
    if n == 1:
        return [(.5 if scene.people[0].pose == "standing" else .48, foot, size)]
    gap, foot = .27 / w, foot - (.08 if h > 1.15 else 0)
    return [(.5 - gap, foot, size), (.5 + gap, foot, size)]


def _building(scene, rng, w, h):
    size = {"arch": .52, "tower": .52, "palace": .45}[scene.building] * min(1.15, h)
    half = {"arch": .58, "tower": .2, "palace": .70}[scene.building] * size / w
    x = X_OF[scene.building_place] + float(rng.uniform(-.03, .03))
    return (min(max(x, min(half, .32)), max(1 - half, .68)), .9, size)


def _planet(scene, rng, h, floor):
    large = scene.planet == "large"
    r = float(rng.uniform(.26, .33) if large else rng.uniform(.095, .13))
    if scene.rings:
        r *= .8
    x = X_OF[scene.planet_place] + float(rng.uniform(-.03, .03))
    y = {"top": .2, "center": .45}.get(scene.planet_place, .40) + float(rng.uniform(-.05, .05))
    if floor < 1:
        y = min(y, .36)
    if scene.people:
        y = min(y, .38 if large else .26)
        r *= 1.1 if large else .9
    return (x, y, r)


def _sun(scene, rng, floor):
    low = scene.ground in ("sea", "desert", "clouds") and not scene.building
    y = .56 if low and scene.sky in ("orange", "red", "pink", "yellow") else .24
    return (X_OF[scene.sun_place] + float(rng.uniform(-.03, .03)), y + float(rng.uniform(-.03, .03)),
            float(rng.uniform(.1, .14)))


def _free(rng, taken, w, h, floor, r, room):
    """A disc of radius r that meets no taken disc: it shrinks (to 0.6 r) until one of many tries fits."""
    best, clearance = None, -9.0
    for k in range(72):
        r *= .8 if k in (24, 48) else 1
        x, y = rng.uniform(r + .05, w - r - .05), rng.uniform(r + .05, max(r + .1, floor * h - r))
        gap = min((np.hypot(x - tx, y - ty) - tr - r * room for tx, ty, tr in taken), default=1.0)
        if gap > clearance:
            best, clearance, size = (x, y), gap, r
        if gap > .02:
            break
    taken.append((best[0], best[1], size * room))
    return (float(best[0] / w), float(best[1] / h), size)
