"""What can be read off a picture: one head per attribute, its values, and the labels of a scene."""

from training.scenes import STYLES
from training.scenes.palette import BASE_SKIES
from training.scenes.wishes import relation_of

COLOURS = ("red", "orange", "gold", "green", "teal", "blue", "purple", "pink", "white", "black", "brown", "silver",
           "aqua", "blonde", "grey")
BOTH = (False, True)
ABSENT = (None,)

# Attribute: its values. None, False or 0 stand for a thing that is not there.
HEADS = {
    "kind": ("space", "landscape", "figure"), "sky": tuple(BASE_SKIES), "wall": BOTH, "stars": BOTH,
    "nebula": ABSENT + COLOURS[:9], "sun": ABSENT + ("gold", "white", "orange", "red"),
    "sun_place": ("left", "right", "center"), "comet": BOTH, "sky_clouds": BOTH,
    "planet": (None, "small", "large"), "planet_colour": COLOURS[:9], "planet_place": ("left", "right", "center", "top"),
    "planet_surface": ("plain", "bands", "craters", "lands"), "rings": BOTH, "moons": (0, 1, 2, 3),
    "ships": (0, 1, 2, 3), "ship_kind": ("rocket", "saucer"), "ship_colour": ("silver", "red", "gold", "white", "blue", "green"),
    "ground": (None, "mountains", "hills", "desert", "sea", "plain", "clouds"),
    "ground_colour": COLOURS, "building": (None, "columns", "arch", "tower", "palace"),
    "building_colour": ("white", "gold", "red", "teal", "pink", "brown"), "building_place": ("left", "right", "center"),
    "columns": (0, 1, 2, 3, 4, 5), "relation": (None, "left", "right", "above"),
    "flowers": BOTH, "flower_colour": ("red", "pink", "gold", "purple"),
    "people": (0, 1, 2), "person": ("woman", "man"), "person1": ("woman", "man"),
    "framing": ("portrait", "upper body", "full body"), "view": ("front", "profile"), "pose": ("standing", "sitting"),
    "outfit": ("dress", "robe", "armor", "space suit", "robot costume"), "outfit_colour": COLOURS,
    "hair_colour": COLOURS, "hair_style": ("long", "braid", "ponytail", "curly", "bun", "short"),
    "headgear": (None, "helmet", "bubble helmet", "crown", "gold stars", "flowers"),
    "headgear_colour": ("silver", "gold", "red", "blue", "pink", "purple"), "hat_flowers": BOTH, "veil": BOTH,
    "cape": ABSENT + ("red", "blue", "purple", "green", "gold"), "gloves": BOTH, "boots": BOTH, "pearls": BOTH,
    "seat": (None, "chair", "throne", "cloud"), "seat_colour": ("brown", "red", "gold", "blue", "white"),
    "smoke": BOTH, "plants": BOTH, "painting": (None, "flowers", "woman", "landscape"),
    "frame": (None, "flowers"), "frame_colour": ("red", "pink", "gold", "purple", "blue"), "style": STYLES,
}

# The head that must say that a thing is there before its attributes can be right.
PRESENCE = {
    "planet_colour": "planet", "planet_place": "planet", "planet_surface": "planet", "rings": "planet",
    "sun_place": "sun", "ship_kind": "ships", "ship_colour": "ships", "ground_colour": "ground",
    "building_colour": "building", "building_place": "building", "flower_colour": "flowers", "seat_colour": "seat",
    "frame_colour": "frame", "headgear_colour": "headgear", "hat_flowers": "headgear", "person1": "people",
} | {name: "people" for name in ("person", "framing", "view", "pose", "outfit", "outfit_colour", "hair_colour", "hair_style",
                                 "headgear", "veil", "cape", "gloves", "boots", "pearls")}
UNLABELLED = -100


def values_of(scene, style="base"):
    """Attribute -> value for every head; None also where the thing that would have it is absent."""
    flat = scene.attributes()
    found = {name: flat.get(name) for name in HEADS}
    found |= {name: flat.get(f"person0_{name}") for name in HEADS if f"person0_{name}" in flat}
    if not scene.people:
        found |= {name: None for name, thing in PRESENCE.items() if thing == "people"}
    found |= {"person1": flat.get("person1_person"), "relation": relation_of(scene), "style": style,
              "columns": scene.columns if scene.building == "columns" else 0}
    return found


def indices_of(values):
    """Class numbers in the order of HEADS, UNLABELLED where there is nothing to say."""
    return [_index(name, options, values) for name, options in HEADS.items()]


def _index(name, options, values):
    thing = PRESENCE.get(name)
    if thing and not values[thing]:
        return UNLABELLED
    if name == "hat_flowers" and values["headgear"] != "bubble helmet":
        return UNLABELLED
    value = values[name]
    return options.index(value) if value in options else UNLABELLED
