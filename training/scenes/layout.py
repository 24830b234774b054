"""Places a scene's things so that they do not cover each other; all jitter comes from the scene's seed."""
import numpy as np

X_OF = {"left": .24, "right": .76, "center": .5, "top": .5}

# The comet's head; its tail points away from the middle.
COMET_AT = {"left": (.62, .32), "right": (.38, .32), "center": (.40, .86), "top": (.60, .66)}


# Ships and moons by their number: the radius of each, and how far along their row or stack they stand.
SHIP_SIZES = {1: .19, 2: .15, 3: .115}
MOON_SIZES = {1: .085, 2: .075, 3: .066}
STEPS = {1: (.5,), 2: (.28, .72), 3: (.19, .5, .81)}


def place(scene):
    """Fills scene.boxes from its attributes (same seed and attributes: same boxes)."""
    rng = np.random.default_rng([scene.seed, 41])
    w, h = max(1.0, scene.aspect), max(1.0, 1 / scene.aspect)
    floor = .66 if scene.ground or scene.building else 1.0
    boxes = {"people": _people(scene, w, h)}
    if scene.building and scene.building != "columns":
        boxes["building"] = _building(scene, rng, w, h)
    elif scene.building:
        boxes["building"] = (X_OF[scene.building_place], .9, .68)
    if scene.planet:
        boxes["planet"] = _planet(scene, rng, h, floor)
    if scene.sun:
        boxes["sun"] = _sun(scene, rng, floor)
    if scene.comet:
        x, y = COMET_AT[scene.planet_place if scene.planet else "left"]
        boxes["comet"] = (x + float(rng.uniform(-.04, .04)), y + float(rng.uniform(-.04, .06)), .04)
    boxes["ships"] = _formation(scene, rng, floor, scene.ships, SHIP_SIZES, .65 if scene.moons else .55)
    boxes["moons"] = _formation(scene, rng, floor, scene.moons, MOON_SIZES, .22 if scene.ships else .4)
    if scene.painting:
        x = .2 if w <= 1.1 else .24
        boxes["painting"] = (x if scene.light < 0 else 1 - x, .3 if h < 1.2 else .24, .17)
    scene.boxes = boxes
    return scene


def _formation(scene, rng, floor, count, sizes, row):
    """Boxes of `count` equal things. One number beside the same things always stands in one way, so that it can be learnt:
    a stack opposite a planet, sun or building that is at a side, else a row (in open space at the height `row`)."""
    if not count:
        return []
    side = scene.planet_place if scene.planet else scene.sun_place if scene.sun else scene.building_place if scene.building else None
    size = sizes[count] * (.85 if floor < 1 else 1)
    if side in ("left", "right"):
        x = X_OF["right" if side == "left" else "left"] + (.05 if side == "left" else -.05) * bool(scene.building)
        at = [(x, step * floor) for step in STEPS[count]]
    else:
        y = .15 if scene.building else .27 if floor < 1 else {"center": .86, "top": .75}[side] if scene.planet else row
        at = [(step, y) for step in STEPS[count]]
    return [(x + float(rng.uniform(-.02, .02)), y + float(rng.uniform(-.02, .02)), size * float(rng.uniform(.93, 1.07))) for x, y in at]


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
    r = float(rng.uniform(.26, .33) if large else rng.uniform(.11, .14))
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
