"""What a caption says of its scene: the statements that a picture drawn from it must keep, and how to check each."""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from training.scenes.concepts import CONCEPTS

GROUPS = ("objects", "colours", "counts", "relations", "places", "people")


@dataclass(frozen=True)
class Statement:
    """One thing that a caption says. `holds` takes what the recogniser found in a picture."""

    name: str
    group: str
    holds: Callable[[dict], bool]


# Attribute of one thing: the words between which and behind which its colour is said.
COLOUR_PATTERNS = {
    "sky": r"{} (?:starry )?(?:sky|space|wall|background|sunset)\b", "nebula": r"{} nebula\b", "sun": r"{} sun\b",
    "planet_colour": r"{} (?:ringed |striped )*planet\b",
    "ship_colour": r"{} (?:rocket|spaceship|flying saucer|saucer|ufo)",
    "ground_colour": r"{} (?:mountain|rolling|hills|desert|sea|water|ocean|plain|clouds)",
    "building_colour": r"{} (?:column|pillar|arch|gate|tower|palace|domed palace)",
    "flower_colour": r"{} flowers in the foreground", "frame_colour": r"{} flowers(?: and leaves)?",
    "seat_colour": r"{} (?:chair|throne)\b", "outfit_colour": r"{} (?:wedding |ball )?(?:dress|gown|robe|armor|space ?suit|robot)",
    "hair_colour": r"{} (?:curly |braided )?(?:hair|braid|ponytail|bun)\b", "headgear_colour": r"{} (?:helmet\b|and white flowers)",
    "cape": r"{} cape\b",
}
NUMBER = r"\b(?:an?|one|two|three|four|five|[1-5]) (?:[a-z]+ ){{0,2}}{}"
COUNT_PATTERNS = {"moons": NUMBER.format("moons?\\b"), "ships": NUMBER.format(CONCEPTS["rocket"][0] + "|" + CONCEPTS["saucer"][0]),
                  "columns": NUMBER.format("(?:columns?|pillars?)\\b")}
PLACE_PATTERNS = {
    "planet_place": r"planet(?: with [a-z ]+?| surrounded by rings)?(?: (?:on|at|to) the (?:left|right)\b(?! of)| in the (?:center|middle)"
                    r"| at the top| high above)",
    "building_place": r"(?:column|pillar|arch|gate|tower|palace|domes) (?:on the (?:left|right)|in the middle)",
    "sun_place": r"sun (?:on the (?:left|right)|in the center)",
}
RELATION_PATTERN = r"\b(?:planet|rings|it|craters) (?:to the )?(?:left of|right of)\b|\b(?:arch|gate|tower|palace|domes|column|pillar) " \
                   r"(?:to the )?(?:left of|right of)|\b(?:planet|rings|it|craters) above an? [a-z ]*?(?:arch|gate|tower|palace)\b"
# Concept whose words are said: the head and value that the picture must show, with the group it counts for.
CONCEPT_HEADS = {
    "rings": ("rings", True), "sun": ("sun", any), "stars": ("stars", True), "nebula": ("nebula", any), "comet": ("comet", True),
    "large planet": ("planet", "large"), "small planet": ("planet", "small"), "planet": ("planet", any), "moon": ("moons", any), "rocket": ("ship_kind", "rocket"), "saucer": ("ship_kind", "saucer"),
    **{name: ("ground", name) for name in ("mountains", "hills", "desert", "sea", "plain")},
    "sea of clouds": ("ground", "clouds"), **{name: ("building", name) for name in ("columns", "arch", "tower", "palace")},
    "flowers in the foreground": ("flowers", True), "painting": ("painting", any), "plants": ("plants", True),
    **{name: ("outfit", name) for name in ("dress", "robe", "armor", "space suit", "robot costume")},
    **{name: ("headgear", name) for name in ("bubble helmet", "crown", "gold stars")}, "flowers in the hair": ("headgear", "flowers"),
    "chair": ("seat", "chair"), "throne": ("seat", "throne"),
}
PEOPLE_HEADS = {
    "woman": ("person", "woman"), "man": ("person", "man"), "portrait": ("framing", "portrait"), "upper body": ("framing", "upper body"),
    "full body": ("framing", "full body"), "profile": ("view", "profile"), "standing": ("pose", "standing"), "sitting": ("pose", "sitting"),
    "cape": ("cape", any), "veil": ("veil", True), "gloves": ("gloves", True), "boots": ("boots", True), "pearls": ("pearls", True),
    "long hair": ("hair_style", "long"), "braid": ("hair_style", "braid"), "ponytail": ("hair_style", "ponytail"),
    "curly hair": ("hair_style", "curly"), "bun": ("hair_style", "bun"), "short hair": ("hair_style", "short"), "smoke": ("smoke", True),
}
RELATION_HEADS = {"in a frame of flowers": ("frame", "flowers"), "atop a cloud": ("seat", "cloud"), "next to each other": ("people", 2)}
# Heads that describe the first person: with two of them a caption may mean the other one.
PERSONAL = ("person", "framing", "view", "pose", "outfit", "outfit_colour", "hair_colour", "hair_style", "headgear", "headgear_colour",
            "veil", "cape", "gloves", "boots", "pearls")
NEEDS = {"planet_colour": "planet", "planet_place": "planet", "ship_colour": "ships", "ship_kind": "ships", "ground_colour": "ground",
         "building_colour": "building", "building_place": "building", "flower_colour": "flowers", "frame_colour": "frame",
         "seat_colour": "seat", "sun_place": "sun", "rings": "planet", "headgear_colour": "headgear", **dict.fromkeys(PERSONAL[:10], "people")}


def statements(text: str, values: dict) -> list[Statement]:
    """Everything that `text` says of a scene with these values (labels.values_of)."""
    said, text = [], text.lower()

    def add(name: str, group: str, head: str, value: object) -> None:
        if head in PERSONAL and values["people"] != 1:
            return
        said.append(Statement(name, group, _check(head, value)))

    for name, (head, value) in (CONCEPT_HEADS | PEOPLE_HEADS).items():
        if re.search(CONCEPTS[name][0], text) and (values[head] if value is any else values[head] == value):
            add(name, "people" if name in PEOPLE_HEADS else "objects", head, value)
    for head, pattern in COLOUR_PATTERNS.items():
        words = {"aqua": "(?:aqua|light blue)"}.get(values[head], values[head])
        if words and re.search(r"\b" + pattern.format(words), text):
            add(head.removesuffix("_colour") + " colour", "colours", head, values[head])
    for head, pattern in COUNT_PATTERNS.items():
        if values[head] and re.search(pattern, text):
            add(head, "counts", head, values[head])
    for head, pattern in PLACE_PATTERNS.items():
        if values[head] and re.search(pattern, text):
            add(head.replace("_", " "), "places", head, values[head])
    _relations(text, values, add)
    return said


def _relations(text: str, values: dict, add: Callable) -> None:
    from training.scenes.concepts import RELATIONS

    if values["relation"] and re.search(RELATION_PATTERN, text):
        add(f"planet {values['relation']}" + (" of" if values["relation"] != "above" else ""), "relations", "relation", values["relation"])
    for name, (head, value) in RELATION_HEADS.items():
        if values[head] == value and re.search(RELATIONS[name][0], text):
            add(name, "relations", head, value)


def _check(head: str, value: object) -> Callable[[dict], bool]:
    thing = NEEDS.get(head)

    def holds(found: dict) -> bool:
        if thing and not found[thing]:
            return False
        return bool(found[head]) if value is any else found[head] == value

    return holds


def tally(said: list[list], found: list[dict]) -> dict[tuple[str, str], list[int]]:
    """(group, name) -> [times right, times said]."""
    table = defaultdict(lambda: [0, 0])
    for row, picture in zip(said, found):
        for statement in row:
            entry = table[statement.group, statement.name]
            entry[0] += statement.holds(picture)
            entry[1] += 1
    return table


def share(table: dict, group: str | None = None, name: str | None = None) -> float:
    rows = [entry for (g, n), entry in table.items() if group in (None, g) and name in (None, n)]
    return sum(right for right, _ in rows) / max(1, sum(count for _, count in rows))
