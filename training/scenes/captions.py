"""Captions of a scene in four forms: short phrase, sentences, tags, and the seed page's own manner."""
import numpy as np

from . import phrases as ph
from .palette import LOOKS, STYLES
from .people_words import person_noun, person_sentence, person_tags
from .phrases import pick


def caption(scene, seed, style="base"):
    """One caption of the scene (ASCII, about 3-70 words). Another seed: another phrasing."""
    rng = np.random.default_rng([seed, 9001])
    u = rng.random()
    if scene.people:
        form = _short if u < .22 else _sentences if u < .45 else _tags if u < .62 else _seed_manner
    else:
        form = _short if u < .45 else _sentences if u < .75 else _tags if u < .88 else _seed_manner
    text = form(rng, scene)
    if scene.people and scene.people[0].framing == "portrait" and rng.random() < (.07 if style == "base" else .15):
        sitter = person_noun(rng, scene.people[0]).removeprefix("a portrait of ")
        text = pick(rng, "Portrait", "portrait", "Portrait of " + sitter)
    if rng.random() < .3:
        text = text.lower()
    trigger = LOOKS[style].trigger
    if trigger and rng.random() < .92:
        text = f"{trigger}, {text}"
    return text


def _subset(rng, parts, keep):
    """Each part with probability keep, at least one, sometimes in another order."""
    kept = [p for p in parts if p and rng.random() < keep] or [p for p in parts if p][:1]
    if rng.random() < .25:
        rng.shuffle(kept)
    return kept


def _join(parts):
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _things(rng, s, place=.55):
    """Main objects as noun phrases, the most important first."""
    parts = []
    if s.planet:
        parts.append(ph.planet(rng, s) + ph.planet_place(rng, s, place))
    if s.building:
        where = "" if s.columns > 1 or not ph.says(rng, s.building_place, "center", place * .7) else {
            "left": " on the left", "right": " on the right", "center": " in the middle"}[s.building_place]
        parts.append(ph.building(rng, s) + where)
    if s.ships:
        parts.append(ph.ships(rng, s))
    if s.moons:
        parts.append(ph.moons(rng, s))
    return parts + ph.extras(rng, s)


def _scenery(rng, s):
    """One clause about sky, ground and things: 'a large red planet over blue mountains under a pink sky'."""
    things = _things(rng, s)
    if things and rng.random() < .75:
        things = _subset(rng, things, .85)
    relation = _relation(rng, s)
    if relation and rng.random() < .5:
        related = ("planet", "column", "pillar", "arch", "gate", "tower", "palace")
        things = [relation] + [t for t in things if not any(w in t for w in related)]
    ground = ph.ground(rng, s) if s.ground else ""
    back = ph.sky(rng, s)
    low = [t for t in things if "foreground" in t]
    things = [t for t in things if "foreground" not in t]
    front = pick(rng, ", with ", ", ") + low[0] if low else ""
    link = "in" if "space" in back or back.startswith("plain") else pick(rng, "against", "under", "in front of")
    if not things:
        return (f"{ground} under {back}" if ground else back) + front
    text = _join(things)
    if ground and rng.random() < .9:
        text += pick(rng, " over ", " above ") + ground
    if rng.random() < .75:
        text += f" {link} {back}"
    return text + front


def _relation(rng, s):
    """'a red planet to the left of a white tower', when it is so."""
    if not s.planet or not s.building or s.building == "columns" and s.columns > 1:
        return ""
    px, bx = s.boxes["planet"][0], s.boxes["building"][0]
    planet, building = ph.planet(rng, s), ph.building(rng, s)
    if abs(px - bx) < .15:
        return f"{planet} above {building}" if s.building != "columns" else ""
    side = "left" if px < bx else "right"
    other = "right" if side == "left" else "left"
    return pick(rng, f"{planet} to the {side} of {building}", f"{planet} {side} of {building}",
                f"{building} to the {other} of {planet}")


def _short(rng, s):
    if not s.people:
        return _scenery(rng, s)
    text = _who(rng, s, .45)
    return text + _behind(rng, s, .7)


def _who(rng, s, keep):
    if len(s.people) == 2:
        return _couple(rng, s)
    return person_noun(rng, s.people[0], keep=keep) + _pose(rng, s)


def _couple(rng, s):
    a, b = s.people
    both = f"{ph.outfit(rng, a)}" if a.outfit == b.outfit and a.outfit_colour == b.outfit_colour else \
        "armor" if a.outfit == b.outfit == "armor" else ""
    seat = pick(rng, "sitting next to each other", "sitting side by side") + pick(rng, "", " on " + s.seat + "s")
    same = "two women" if a.person == "woman" else "two men"
    pair = f"a {a.person} and a {b.person}" if a.person != b.person else same
    if a.person != b.person and rng.random() < .5:
        pair = f"a {a.person} and {b.person}"
    if both and rng.random() < .7:
        return f"{pair} in {both.replace('a suit of ', '')} {seat}"
    if rng.random() < .5 or a.person == b.person:
        return f"{pair} {seat}"
    return f"a {a.person} in {ph.outfit(rng, a)} and a {b.person} in {ph.outfit(rng, b)} {seat}"


def _pose(rng, s):
    p = s.people[0]
    if p.framing != "full body":
        return pick(rng, "", "", " in profile" if p.view == "profile" else "")
    if p.pose == "standing":
        return pick(rng, " standing", "", " standing") + (" on clouds" if s.ground == "clouds" else "")
    if s.seat == "cloud":
        return pick(rng, " sitting atop a cloud", " sitting on a cloud")
    colour = s.seat_colour if rng.random() < .5 else ""
    return " sitting on " + ph.an(f"{colour} {s.seat}".strip())


def _behind(rng, s, keep):
    """Background of a figure: ' in front of a large red planet under a starry sky, inside a frame ...'"""
    text = ""
    if s.planet and rng.random() < keep:
        text += pick(rng, " in front of ", " with ") + ph.planet(rng, s)
        text += ph.planet_place(rng, s, .4) or pick(rng, "", " in the background")
    if s.ground and rng.random() < keep * .8:
        text += pick(rng, " in front of ", " with ") + ph.ground(rng, s) if not text else f" and {ph.ground(rng, s)}"
    elif not text and rng.random() < keep:
        back = ph.sky(rng, s)
        text += pick(rng, " with ", " against ", " in front of ") + back if "background" in back else \
            pick(rng, " against ", " in front of ", " under " if back.endswith("sky") else " before ") + back
    for extra in ph.extras(rng, s):
        if rng.random() < keep:
            text += f", {extra}" if text else f" with {extra}"
    if s.frame:
        text += " " + ph.frame(rng, s)
    return text


def _sentences(rng, s):
    start = pick(rng, "The image shows ", "The picture shows ", "A picture of ", "An illustration of ", "There is ", "")
    if not s.people:
        view = _scenery(rng, s)
        start = "" if start == "There is " and not view.startswith(("a ", "an ", "one ")) else start
        return _capital(start + view) + "." + _second(rng, s)
    text = _capital(start + _who(rng, s, .7) + _behind(rng, s, .75)) + "."
    if rng.random() < .6:
        text += person_sentence(rng, s)
    return text


def _second(rng, s):
    """A second sentence about sky, ground or lighting."""
    u = rng.random()
    if u < .25 and not s.nebula:
        back = ph.sky(rng, s)
        return f" The background is {back}."
    if u < .4 and s.moons:
        return f" {_capital(ph.count(rng, s.moons, 'moon', 'moons'))} {'hangs' if s.moons == 1 else 'hang'} in the sky."
    if u < .5 and s.stars:
        return " Stars shine in the sky."
    if u < .6 and s.ships:
        return f" {_capital(ph.ships(rng, s))} {'flies' if s.ships == 1 else 'fly'} in the sky."
    return ""


def _capital(text):
    return text[0].upper() + text[1:]


def _tag_list(rng, s):
    tags = [t for t in _things(rng, s, .3)]
    tags = [t[2:] if t.startswith("a ") else t[3:] if t.startswith("an ") else t for t in tags]
    if s.ground:
        tags.append(ph.ground(rng, s).removeprefix("a ").removeprefix("an "))
    back = ph.sky(rng, s)
    tags.append(back.removeprefix("a ").removeprefix("an "))
    if s.stars and rng.random() < .5:
        tags.append(pick(rng, "stars", "starry sky"))
    if s.frame:
        tags.append(pick(rng, "frame of flowers and leaves", "flower frame"))
    if s.kind == "space" and rng.random() < .3:
        tags.append("space")
    return tags


def _tags(rng, s):
    if not s.people:
        return ", ".join(_subset(rng, _tag_list(rng, s), .88))
    tags = person_tags(rng, s)
    head, rest = tags[:2], tags[2:] + _tag_list(rng, s)
    kept = _subset(rng, rest, .72)
    return ", ".join(head + kept)


def _seed_manner(rng, s):
    """'The image shows ... . Second sentence., tag, tag, tag'"""
    if not s.people:
        return f"The image shows {_scenery(rng, s)}., " + ", ".join(_subset(rng, _tag_list(rng, s), .7))
    text = f"The image shows {_who(rng, s, .7)}{_behind(rng, s, .75)}."
    if rng.random() < .45:
        text += person_sentence(rng, s)
    if rng.random() < .06:
        text += " The image is animated giving it a dynamic feel."
    tags = person_tags(rng, s)
    if rng.random() < .2:
        tags += _tag_list(rng, s)
    rng.shuffle(tags)
    return text + ", " + ", ".join(tags[:int(rng.integers(3, 13))])


def vocabulary_corpus(count=6000):
    """Captions of all styles and the seed page's prompts: text for a tokenizer."""
    from .compose import sample_scene
    from .seed_prompts import SEED_PROMPTS
    corpus = list(SEED_PROMPTS) * 20
    for seed in range(count):
        corpus.append(caption(sample_scene(seed), seed, "base" if seed % 3 else "baroque-space-opera"))
    for style in STYLES[2:]:
        corpus += [caption(sample_scene(seed), seed, style) for seed in range(count // 20)]
    return corpus
