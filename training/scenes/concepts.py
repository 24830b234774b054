"""The concepts and relations that captions can name, each with the pattern of its words and the test of a scene."""
import re
from collections import defaultdict

from .captions import caption
from .compose import sample_mixture
from .wishes import WISHES, relation_of


def _anybody(test):
    return lambda s: any(test(p) for p in s.people)


def _field(name, value):
    return lambda s: getattr(s, name) == value


def _has(name):
    return lambda s: bool(getattr(s, name))


def _placed(side):
    return lambda s: side in (s.planet and s.planet_place, s.building and s.building_place, s.sun and s.sun_place)


# Concept: (its words as a pattern, when a scene holds it). Its synonyms are what the pattern is seen to match.
CONCEPTS = {
    "planet": (r"\bplanet\b", _has("planet")),
    "large planet": (r"\b(?:large|big|huge|giant)(?: [a-z]+){0,3} planet\b", _field("planet", "large")),
    "small planet": (r"\b(?:small|little|distant)(?: [a-z]+){0,3} planet\b", _field("planet", "small")),
    "rings": (r"\bringed\b|\bwith rings\b|\bwith a ring around it\b|\bsurrounded by rings\b", _has("rings")),
    "stripes": (r"\bstriped\b", _field("planet_surface", "bands")),
    "craters": (r"\bwith craters\b", _field("planet_surface", "craters")),
    "moon": (r"\b(?:small )?moons?\b", _has("moons")),
    "sun": (r"\b(?:bright [a-z]+ )?sun\b", _has("sun")),
    "stars": (r"\bstarry\b|\bfull of stars\b|\bwith stars\b|\bstars shine\b|(?<=, )stars\b", _has("stars")),
    "nebula": (r"\bnebula\b", _has("nebula")),
    "comet": (r"\bcomet(?: with a long tail)?\b", _has("comet")),
    "clouds in the sky": (r"\bwhite clouds\b|\bclouds in the sky\b",
                          lambda s: s.sky_clouds or s.ground == "clouds" and s.ground_colour == "white"),
    "sunset": (r"\bsunset\b", _field("sky", "orange")),
    "wall": (r"\b[a-z]+ wall\b|\bplain [a-z]+ background\b", lambda s: s.wall or s.sky == "grey"),
    "rocket": (r"\brockets?\b(?: ships?)?|\bspaceships?\b", _field("ship_kind", "rocket")),
    "saucer": (r"\b(?:flying )?saucers?\b|\bufos?\b", _field("ship_kind", "saucer")),
    "mountains": (r"(?<!painting of )\bmountains\b|\bmountain peaks\b", _field("ground", "mountains")),
    "hills": (r"\b(?:rolling )?hills\b", _field("ground", "hills")),
    "desert": (r"\bdesert\b(?: dunes)?", _field("ground", "desert")),
    "sea": (r"\bsea\b(?! of)|\bwater\b|\bocean\b", _field("ground", "sea")),
    "plain": (r"\ban? (?:[a-z]+ )?plain\b(?! (?:[a-z]+ ){1,2}(?:background|space))", _field("ground", "plain")),
    "sea of clouds": (r"\ba sea of (?:[a-z]+ )?clouds\b", _field("ground", "clouds")),
    "columns": (r"\bcolumns?\b|\bpillars?\b", _field("building", "columns")),
    "arch": (r"\barch\b|\bgate\b", _field("building", "arch")),
    "tower": (r"\b(?:tall (?:[a-z]+ )?)?tower\b", _field("building", "tower")),
    "palace": (r"\b(?:domed )?palace\b(?: with domes)?", _field("building", "palace")),
    "flowers in the foreground": (r"\bflowers in the foreground\b", _has("flowers")),
    "woman": (r"\bwoman\b|\blady\b|\bwomen\b|\b\dgirls?\b",
              lambda s: s.painting == "woman" or any(p.person == "woman" for p in s.people)),
    "man": (r"\bman\b|\bmen\b|\b\dboys?\b", _anybody(lambda p: p.person == "man")),
    "couple": (r"\bsitting next to each other\b|\bsitting side by side\b", lambda s: len(s.people) == 2),
    "portrait": (r"\bportrait\b", _anybody(lambda p: p.framing == "portrait")),
    "upper body": (r"\bupper body\b", _anybody(lambda p: p.framing == "upper body")),
    "full body": (r"\bfull body\b", _anybody(lambda p: p.framing == "full body")),
    "profile": (r"\bprofile\b", _anybody(lambda p: p.view == "profile")),
    "facing the viewer": (r"\bfacing the viewer\b", _anybody(lambda p: p.view == "front")),
    "standing": (r"\bstanding\b", _anybody(lambda p: p.pose == "standing")),
    "sitting": (r"\bsitting\b", _anybody(lambda p: p.pose == "sitting")),
    "chair": (r"\bchairs?\b", _field("seat", "chair")), "throne": (r"\bthrones?\b", _field("seat", "throne")),
    "dress": (r"\b(?:wedding )?dress\b|\b(?:ball )?gown\b", _anybody(lambda p: p.outfit == "dress")),
    "robe": (r"\brobe\b", _anybody(lambda p: p.outfit == "robe")),
    "armor": (r"\b(?:suit of [a-z]+ )?armor\b", _anybody(lambda p: p.outfit == "armor")),
    "space suit": (r"\bspace suit\b|\bspacesuit\b", _anybody(lambda p: p.outfit == "space suit")),
    "robot costume": (r"\brobot\b(?:-like)?(?: costume)?", _anybody(lambda p: p.outfit == "robot costume")),
    "cape": (r"\bcape\b", _anybody(lambda p: p.cape)), "veil": (r"\bveil\b", _anybody(lambda p: p.veil)),
    "gloves": (r"\bgloves\b", _anybody(lambda p: p.gloves)), "boots": (r"\bboots\b", _anybody(lambda p: p.boots)),
    "pearls": (r"\bpearls?\b(?: necklace)?", _anybody(lambda p: p.pearls)),
    "long hair": (r"\blong [a-z]+ hair\b|\blong hair\b", _anybody(lambda p: p.hair_style == "long")),
    "braid": (r"\bbraid(?:ed hair)?\b", _anybody(lambda p: p.hair_style == "braid")),
    "ponytail": (r"\bponytail\b", _anybody(lambda p: p.hair_style == "ponytail")),
    "curly hair": (r"\bcurly\b", _anybody(lambda p: p.hair_style == "curly")),
    "bun": (r"\b(?:hair )?bun\b", _anybody(lambda p: p.hair_style == "bun")),
    "short hair": (r"\bshort [a-z]+ hair\b|\bshort hair\b", _anybody(lambda p: p.hair_style == "short")),
    "helmet": (r"(?<!bubble )(?<!glass )\bhelmet\b", _anybody(lambda p: p.headgear in ("helmet", "bubble helmet"))),
    "bubble helmet": (r"\b(?:glass )?bubble (?:helmet|hat)\b|\bglass helmet\b",
                      _anybody(lambda p: p.headgear == "bubble helmet")),
    "crown": (r"\b(?:gold|golden )?crown\b", _anybody(lambda p: p.headgear == "crown")),
    "gold stars": (r"\bgold stars\b|\bstar \(symbol\)", _anybody(lambda p: p.headgear == "gold stars")),
    "flowers in the hair": (r"\bflowers in h(?:er|is) hair\b|\bhair flower\b|\bwreath of flowers on h(?:er|is) head\b",
                            _anybody(lambda p: p.headgear == "flowers")),
    "painting": (r"\bpainting\b", _has("painting")), "plants": (r"\b(?:potted |green )?plants?\b", _has("plants")),
    "smoke": (r"\bsmoke\b", _has("smoke")),
}
RELATIONS = {
    "left of": (r"\b(?:planet|rings|it|craters)(?: to the)? left of\b",
                lambda s: relation_of(s) == "left"),
    "right of": (r"\b(?:planet|rings|it|craters)(?: to the)? right of\b", lambda s: relation_of(s) == "right"),
    "above": (r"\b(?:planet|rings|it|craters) above an? [a-z ]*(?:arch|gate|tower|palace)\b", lambda s: relation_of(s) == "above"),
    "on the left": (r"\b(?:on|at|to) the left\b(?! of)", _placed("left")),
    "on the right": (r"\b(?:on|at|to) the right\b(?! of)", _placed("right")),
    "in the middle": (r"\bin the (?:center|middle)\b", _placed("center")),
    "at the top": (r"\bat the top\b|\bhigh above\b", _field("planet_place", "top")),
    "over the ground": (r"\b(?:over|above) (?:an? )?(?:(?!in )[a-z]+ )?(?:mountain|hills|rolling|desert|sea|ocean|water|plain|clouds)",
                        _has("ground")),
    "in front of": (r"\bin front of\b|\bagainst\b|\bbefore\b", lambda s: s.sky),    # something is always behind
    "under a sky": (r"\bunder an? [a-z ]*(?:sky|sunset|space|nebula|background)\b", lambda s: not s.wall),
    "in a frame of flowers": (r"\b(?:surrounded by|inside) a frame of [a-z ]*flowers and leaves\b|\bframed by [a-z ]*flowers\b"
                              r"|\binside a wreath of [a-z ]*flowers\b", _has("frame")),
    "atop a cloud": (r"\bsitting (?:atop|on) a cloud\b", _field("seat", "cloud")),
    "next to each other": (r"\bnext to each other\b|\bside by side\b", lambda s: len(s.people) == 2),
}


def count_concepts(seeds=range(4000)):
    """Concept or relation -> {synonym: times said}. Raises AssertionError when a caption names what is not there."""
    heard = {name: defaultdict(int) for name in CONCEPTS | RELATIONS}
    wishes = {wish: .04 for wish in WISHES}
    for seed in seeds:
        scene = sample_mixture(seed, shares=wishes)
        text = caption(scene, seed).lower()
        for name, (pattern, holds) in (CONCEPTS | RELATIONS).items():
            for match in re.finditer(pattern, text):
                assert holds(scene), (seed, name, text)
                heard[name][match.group(0)] += 1
    return heard
