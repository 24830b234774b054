"""Scenes from a seed, with harmonised colours, or from given attributes."""
import numpy as np

from .layout import place
from .palette import SKINS
from .scene import Person, Scene
from .wishes import WISHES, wish_of

SPACE_SKIES = ("black", "black", "dark blue", "purple", "teal", "red", "green")
DAY_SKIES = ("blue", "orange", "pink", "teal", "purple", "yellow", "red", "dark blue", "green")
WALLS = ("brown", "grey", "red", "green", "dark blue", "teal", "white", "pink", "purple")
DARK_SKIES = ("black", "dark blue", "purple", "teal", "red", "green")
# Colours that look well on each sky; the sky's own colour is left out so that shapes stay readable.
ACCENTS = {
    "black": ("red", "orange", "gold", "teal", "blue", "purple", "pink", "green", "white"),
    "dark blue": ("red", "orange", "gold", "teal", "pink", "white", "purple"),
    "blue": ("red", "orange", "gold", "pink", "white", "purple"),
    "teal": ("orange", "red", "gold", "pink", "white", "purple"),
    "orange": ("purple", "blue", "teal", "red", "white"),
    "purple": ("gold", "orange", "teal", "pink", "white", "green"),
    "pink": ("purple", "teal", "blue", "red", "white", "gold"), "red": ("gold", "teal", "white", "blue", "orange"),
    "green": ("gold", "orange", "pink", "red", "white", "purple"),
    "yellow": ("red", "teal", "purple", "blue", "green"), "brown": ("teal", "gold", "red", "white", "pink", "blue"),
    "grey": ("red", "teal", "gold", "blue", "pink", "purple"),
    "white": ("red", "teal", "blue", "purple", "gold", "green"),
}
GROUND_COLOURS = {
    "mountains": ("blue", "purple", "teal", "red", "brown", "grey"),
    "hills": ("green", "purple", "teal", "blue", "orange"),
    "desert": ("orange", "gold", "red", "pink"), "sea": ("blue", "teal", "purple"),
    "plain": ("purple", "teal", "brown", "grey"), "clouds": ("white", "pink"),
}
OUTFIT_COLOURS = ("white", "pink", "red", "gold", "blue", "green", "black", "purple", "teal")
HAIR_COLOURS = ("blue", "aqua", "blonde", "pink", "white", "black", "brown", "red")


# The longest wish, a comet, comes true once in about 35 scenes.
MOST_TRIES = 2000


def sample_scene(seed, aspect=1.0, wish=None):
    """The scene of a seed: 45 % figures, the rest space and landscapes. aspect is width / height. With a wish (a name
    in wishes.py) it is the first of the seed's further scenes for which that holds; without one it never changes."""
    if wish is None:
        return _scene(seed, aspect, np.random.default_rng([seed, 5]))
    for attempt in range(MOST_TRIES):
        scene = _scene(seed, aspect, np.random.default_rng([seed, 5, 1 + attempt]))
        if WISHES[wish](scene):
            return scene
    raise ValueError(f"no scene of seed {seed} fulfils {wish!r}")


def sample_mixture(seed, aspect=1.0, shares=None):
    """sample_scene, with some seeds given to wishes: `shares={"relation": .1, "count": .1}`."""
    return sample_scene(seed, aspect, wish_of(seed, shares) if shares else None)


def _scene(seed, aspect, rng):
    scene = Scene(seed=int(seed), aspect=float(aspect), light=1 if rng.random() < .5 else -1)
    u = rng.random()
    if u < .45:
        _figure_scene(scene, rng)
    elif u < .70:
        _space_scene(scene, rng)
    else:
        _land_scene(scene, rng)
    return place(scene)


def scene_from_attributes(seed=0, aspect=1.0, people=(), **attributes):
    """A scene with the given fields of Scene; people is a sequence of dicts of Person's fields."""
    persons = [p if isinstance(p, Person) else Person(**p) for p in people]
    if persons:
        attributes.setdefault("kind", "figure")
    return place(Scene(seed=seed, aspect=float(aspect), people=persons, **attributes))


def _pick(rng, options, weights=None):
    p = None if weights is None else np.asarray(weights, float) / sum(weights)
    return options[int(rng.choice(len(options), p=p))]


def _accent(rng, scene, used):
    free = [c for c in ACCENTS[scene.sky] if c not in used] or list(ACCENTS[scene.sky])
    colour = _pick(rng, free)
    used.add(colour)
    return colour


def _planet(scene, rng, used, places=("left", "right", "center", "top")):
    scene.planet = _pick(rng, ("small", "large"))
    scene.planet_place = _pick(rng, places)
    scene.planet_colour = _accent(rng, scene, used)
    scene.planet_surface = _pick(rng, ("plain", "bands", "craters", "lands"))
    scene.rings = bool(rng.random() < .45)


def _ships(scene, rng, used):
    scene.ships = int(rng.integers(1, 4))
    scene.ship_kind = _pick(rng, ("rocket", "saucer"), (2, 1))
    scene.ship_colour = _pick(rng, ("silver", "red", "gold", "white", "blue", "green"))
    scene.ship_heading = _pick(rng, (1, -1))


def _space_scene(scene, rng):
    scene.kind, used = "space", set()
    scene.sky = _pick(rng, SPACE_SKIES)
    scene.stars = bool(rng.random() < .8)
    if rng.random() < .35:
        scene.nebula = _accent(rng, scene, used)
        if scene.nebula == "white":
            scene.nebula = "blue" if scene.sky not in ("dark blue", "blue") else "pink"
    if rng.random() < .85:
        _planet(scene, rng, used)
    if rng.random() < .45:
        scene.moons = int(rng.integers(1, 4))
    if rng.random() < .45 or not (scene.planet or scene.moons):
        _ships(scene, rng, used)
    if scene.planet and scene.ships:
        scene.moons = 0
    if scene.moons or scene.ships:
        return
    if rng.random() < .3:
        scene.comet = True
    elif rng.random() < .3 and not scene.nebula and scene.planet_place in ("left", "right"):
        scene.sun = _pick(rng, ("gold", "white", "orange"))
        scene.sun_place = "left" if scene.planet_place == "right" else "right"


def _land_scene(scene, rng):
    scene.kind, used = "landscape", set()
    scene.sky = _pick(rng, DAY_SKIES)
    dark = scene.sky in DARK_SKIES
    scene.stars = bool(dark and rng.random() < .7)
    scene.ground = _pick(rng, ("mountains", "hills", "desert", "sea", "clouds", "plain"), (3, 2, 2, 2, 1, 1))
    scene.ground_colour = _pick(rng, [c for c in GROUND_COLOURS[scene.ground] if c != scene.sky])
    used.add(scene.ground_colour)
    if rng.random() < .58 or scene.ground == "plain":
        scene.building = _pick(rng, ("columns", "arch", "tower", "palace"))
        scene.building_colour = _pick(rng, ("white", "gold", "red", "teal", "pink", "brown"))
        scene.building_place = _pick(rng, ("left", "right", "center"))
        if scene.building == "columns":
            scene.columns = int(rng.integers(1, 6))
            scene.building_place = scene.building_place if scene.columns == 1 else "center"
    side = {"left": ("right",), "right": ("left",), "center": ("top",)}[scene.building_place]
    if rng.random() < .55:
        _planet(scene, rng, used, side if scene.building else ("left", "right", "center", "top"))
    elif rng.random() < .55:
        warm = scene.sky in ("orange", "yellow")
        scene.sun = _pick(rng, ("white", "red") if warm else ("gold", "white", "orange"))
        scene.sun_place = _pick(rng, side if scene.building else ("left", "right", "center"))
        scene.sun_place = "center" if scene.sun_place == "top" else scene.sun_place
    if rng.random() < .35:
        _ships(scene, rng, used)
    if rng.random() < .3 and dark:
        scene.moons = int(rng.integers(1, 4))
    _make_room(scene, rng)
    scene.sky_clouds = bool(not dark and rng.random() < .5 and not scene.ships and not scene.planet)
    scene.flowers = bool(rng.random() < .16)
    scene.flower_colour = _pick(rng, ("red", "pink", "gold", "purple"))


def _make_room(scene, rng):
    """One kind of counted thing in a landscape's sky, and the rest of it where those are not."""
    if scene.columns > 1 or scene.building and scene.planet:
        scene.ships = scene.moons = 0
    if scene.ships or scene.sun:
        scene.moons = 0
    if not scene.ships and not scene.moons:
        return
    if scene.building in ("tower", "columns") and scene.building_place == "center":
        scene.building_place = _pick(rng, ("left", "right"))
    if scene.planet_place not in ("left", "right"):
        scene.planet_place = _pick(rng, ("left", "right"))
    if scene.sun and scene.sun_place == "center":
        scene.sun_place = _pick(rng, ("left", "right"))
    if scene.sun and scene.building_place == "center" and scene.building:
        scene.ships = 0


def _figure_scene(scene, rng):
    scene.kind = "figure"
    couple = rng.random() < .10
    framing = "full body" if couple else _pick(rng, ("portrait", "upper body", "full body"), (45, 13, 42))
    _background(scene, rng, framing)
    first = _person(rng, framing, scene)
    scene.people = [first]
    if scene.planet == "small" and scene.planet_place == "center":
        scene.planet = "large"
    if couple:
        second = _person(rng, framing, scene)
        first.person, second.person = ("man", "woman") if rng.random() < .8 else ("woman", "woman")
        if rng.random() < .5:
            first.outfit = second.outfit = "armor"
        for person, facing in ((first, 1), (second, -1)):
            person.pose, person.view, person.facing = "sitting", "profile", facing
            person.veil, person.cape = False, None
            _dress_up(person)
        scene.people = [first, second]
    if any(p.pose == "sitting" for p in scene.people) and framing == "full body":
        scene.seat = _pick(rng, ("chair", "throne", "cloud"), (4, 3, 3 if not couple and not scene.wall else 0))
        scene.seat_colour = _pick(rng, [c for c in ("brown", "red", "gold", "blue", "white")
                                        if c != first.outfit_colour and c != scene.sky])
    scene.smoke = bool(framing == "full body" and scene.seat is None and rng.random() < .14)
    scene.plants = bool(scene.wall and framing == "full body" and rng.random() < (.6 if couple else .3))
    if rng.random() < (.5 if scene.seat == "cloud" else .2) and not couple:
        scene.frame, scene.frame_colour = "flowers", _pick(rng, ("red", "pink", "gold", "purple", "blue"))
        scene.plants = False


def _background(scene, rng, framing):
    u, used = rng.random(), set()
    if u < .38:
        scene.wall, scene.sky = True, _pick(rng, WALLS)
        scene.floor = framing == "full body"
        if rng.random() < .35:
            scene.painting = _pick(rng, ("flowers", "woman", "landscape"), (2, 1, 1))
    elif u < .55:
        scene.sky = _pick(rng, ("black", "dark blue", "brown", "grey", "black"))
        scene.stars = bool(scene.sky in ("black", "dark blue") and rng.random() < .35)
    elif u < .80:
        scene.sky, scene.stars = _pick(rng, SPACE_SKIES), True
        v = rng.random()
        if v < .4:
            scene.nebula = _accent(rng, scene, used - {"white"})
            scene.nebula = "pink" if scene.nebula == "white" else scene.nebula
            if rng.random() < .2:
                scene.painting = "woman" if rng.random() < .7 else "flowers"
        elif v < .85:
            _planet(scene, rng, used, ("left", "right", "center"))
    else:
        scene.sky = _pick(rng, DAY_SKIES)
        if framing == "full body":
            scene.ground = _pick(rng, ("hills", "desert", "mountains", "plain"))
            scene.ground_colour = _pick(rng, [c for c in GROUND_COLOURS[scene.ground] if c != scene.sky])
        if rng.random() < .5:
            _planet(scene, rng, used, ("left", "right", "center"))


def _person(rng, framing, scene):
    woman = rng.random() < .78
    p = Person(person="woman" if woman else "man", framing=framing, skin=int(rng.integers(len(SKINS))))
    p.view = "profile" if framing != "upper body" and rng.random() < .38 else "front"
    p.facing = 1 if rng.random() < .5 else -1
    p.pose = "sitting" if framing == "full body" and rng.random() < .38 else "standing"
    p.outfit = _pick(rng, ("dress", "robe", "armor", "space suit", "robot costume"),
                     (55, 12, 14, 12, 8) if woman else (0, 40, 30, 20, 10))
    night = scene.sky in ("black", "dark blue")
    clothes = [c for c in OUTFIT_COLOURS if c != scene.sky and not (c == "black" and night)]
    p.outfit_colour = _pick(rng, clothes)
    if p.outfit in ("armor", "robot costume"):
        p.outfit_colour = _pick(rng, ("silver", "gold", "red", "blue", "black"),
                                (4, 3, 1, 1, 0 if scene.sky == "black" else 1))
    if p.outfit == "space suit":
        p.outfit_colour = _pick(rng, ("white", "silver", "orange", "red", "blue"), (4, 1, 2, 1, 1))
    hair = [c for c in HAIR_COLOURS if c != scene.sky and not (c == "black" and scene.sky == "dark blue")]
    p.hair_colour = _pick(rng, hair)
    if p.hair_colour in ("brown", "black", "red") and p.skin in (2, 3):
        p.skin = (0, 1, 4)[p.skin % 3]
    p.hair_style = "short"
    if woman:
        p.hair_style = _pick(rng, ("long", "braid", "ponytail", "curly", "bun", "short"), (5, 3, 3, 3, 2, 1))
    p.headgear = _pick(rng, (None, "helmet", "bubble helmet", "crown", "gold stars", "flowers"),
                       (40, 18, 14, 12, 9, 8) if woman else (45, 28, 14, 13, 0, 0))
    p.headgear_colour = {"helmet": _pick(rng, ("silver", "gold", "red", "blue"), (4, 3, 1, 1)), "crown": "gold",
                         "flowers": _pick(rng, ("red", "pink", "purple"))}.get(p.headgear, "silver")
    p.hat_flowers = bool(p.headgear == "bubble helmet" and woman and rng.random() < .6)
    p.veil = bool(woman and p.headgear in (None, "helmet", "crown") and rng.random() < .22)
    p.cape = _pick(rng, ("red", "blue", "purple", "green", "gold")) if rng.random() < .18 and not p.veil else None
    p.pearls = bool(woman and (p.outfit == "dress" or p.veil) and rng.random() < .3)
    _dress_up(p)
    p.gloves = bool(framing != "portrait" and rng.random() < (.3 if p.outfit == "dress" else .6))
    feet = framing == "full body" and (p.pose == "sitting" or p.outfit not in ("dress", "robe"))
    p.boots = bool(feet and rng.random() < .6)
    return p


def _dress_up(p):
    """Fields that others decide: men wear no gowns, a cape differs from the outfit."""
    if p.person == "man" and p.outfit == "dress":
        p.outfit = "robe"
    if p.person == "man":
        p.hair_style, p.veil, p.pearls, p.hat_flowers = "short", False, False, False
        p.headgear = None if p.headgear in ("gold stars", "flowers") else p.headgear
    if p.cape == p.outfit_colour:
        p.cape = "red" if p.outfit_colour != "red" else "blue"
