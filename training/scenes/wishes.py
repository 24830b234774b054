"""Wishes: what a data set may ask for more of than the frozen default gives, each a test of a placed scene."""
import numpy as np


def relation_of(scene):
    """Where the planet is, seen from the one building: 'left', 'right', 'above', or None when there are not both."""
    if not scene.planet or not scene.building or scene.building == "columns" and scene.columns > 1:
        return None
    planet, building = scene.boxes["planet"][0], scene.boxes["building"][0]
    if abs(planet - building) < .15:
        return "above" if scene.building != "columns" else None
    return "left" if planet < building else "right"


def _lone_planet(s):
    return bool(s.planet and s.kind == "space" and not (s.rings or s.moons or s.ships or s.comet or s.sun))


WISHES = {
    "relation": lambda s: relation_of(s) is not None,
    "count": lambda s: s.moons > 1 or s.ships > 1 or s.columns > 1,
    "moons": lambda s: s.moons > 0,
    "lone planet": _lone_planet,
    "portrait": lambda s: len(s.people) == 1 and s.people[0].framing == "portrait",
    "couple": lambda s: len(s.people) == 2,
    "building": lambda s: s.building is not None,
    "saucer": lambda s: s.ships > 0 and s.ship_kind == "saucer",
    "sun": lambda s: s.sun is not None,
    "comet": lambda s: s.comet,
    "seat": lambda s: s.seat is not None,
    "frame": lambda s: s.frame is not None,
    "indoors": lambda s: s.plants or s.painting is not None,
    "flowers": lambda s: s.flowers,
    "bright space": lambda s: s.kind == "space" and s.nebula is not None,
}


def wish_of(seed, shares):
    """The wish of a seed, or None: `shares` maps wishes to their parts of all seeds (together at most 1)."""
    u = np.random.default_rng([seed, 23]).random()
    for wish, share in shares.items():
        if u < share:
            return wish
        u -= share
    return None
