"""Noun phrases for everything a scene can hold: true of the picture, with synonyms."""
NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}


def pick(rng, *options):
    return options[int(rng.integers(len(options)))]


def an(phrase):
    """The phrase with its indefinite article."""
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def count(rng, n, one, many):
    if n == 1:
        return pick(rng, an(one), an(one), f"one {one}")
    return f"{NUMBERS[n] if rng.random() < .8 else n} {many}"


def says(rng, value, usual, often):
    """Whether a caption says a value: the usual one now and then, another one always. So what a prompt leaves open has one
    answer, where several would melt into each other in the picture of a small model."""
    return value != usual or rng.random() < often


def planet(rng, s):
    """'a large red planet with rings on the left'"""
    sizes = ("large", "big", "huge", "giant") if s.planet == "large" else ("small", "little", "small", "distant")
    size = pick(rng, *sizes)
    words = [w for w in (size if says(rng, s.planet, "large", .75) else "", s.planet_colour if rng.random() < .92 else "") if w]
    if s.rings and rng.random() < .45:
        words.append("ringed")
        tail = ""
    else:
        ringed = (" with rings", " with rings", " with a ring around it", " surrounded by rings")
        tail = pick(rng, *ringed) if s.rings else ""
    if s.planet_surface == "bands" and rng.random() < .3:
        words.insert(-1 if len(words) > 1 else 0, "striped")
    elif s.planet_surface == "craters" and rng.random() < .3 and not tail:
        tail = " with craters"
    return an(" ".join(words + ["planet"])) + tail


def planet_place(rng, s, often):
    """' on the left'; where it stands in the middle (above a building: at the top) it may be ''."""
    if not says(rng, s.planet_place, "top" if s.building else "center", often):
        return ""
    return {"left": pick(rng, " on the left", " at the left", " to the left"),
            "right": pick(rng, " on the right", " at the right", " to the right"),
            "center": pick(rng, " in the center", " in the middle"),
            "top": pick(rng, " at the top", " high above")}[s.planet_place]


def moons(rng, s):
    return count(rng, s.moons, pick(rng, "moon", "small moon"), "moons")


def ships(rng, s):
    rockets = (("rocket", "rockets"), ("spaceship", "spaceships"), ("rocket ship", "rocket ships"))
    saucers = (("flying saucer", "flying saucers"), ("ufo", "ufos"), ("saucer", "saucers"))
    one, many = pick(rng, *(rockets if s.ship_kind == "rocket" else saucers))
    c = s.ship_colour if rng.random() < .85 else ""
    return count(rng, s.ships, f"{c} {one}".strip(), f"{c} {many}".strip())


def ground(rng, s):
    c = s.ground_colour if rng.random() < .85 else ""
    if s.ground == "plain":
        return f"{an((c + ' plain').strip())}"
    words = {"mountains": ("mountains", "mountains", "mountain peaks"), "hills": ("hills", "rolling hills"),
             "desert": ("desert", "desert dunes"), "sea": ("sea", "water", "ocean"),
             "clouds": ("clouds", "a sea of clouds")}[s.ground]
    word = pick(rng, *words)
    if word in ("desert", "sea", "ocean"):
        return an(f"{c} {word}".strip())
    return f"a sea of {c} clouds".replace("  ", " ") if word.startswith("a sea") else f"{c} {word}".strip()


def building(rng, s):
    c = s.building_colour if rng.random() < .85 else ""
    if s.building == "columns":
        return count(rng, s.columns, f"{c} column".strip(), f"{c} {pick(rng, 'columns', 'columns', 'pillars')}".strip())
    word = {"arch": ("arch", "arch", "gate"), "tower": ("tower", "tall tower"),
            "palace": ("palace", "palace with domes", "domed palace")}[s.building]
    word = pick(rng, *word)
    tall, word = ("tall ", word[5:]) if word.startswith("tall ") else ("", word)
    return an(f"{tall}{c} {word}".replace("  ", " ").strip())


def sky(rng, s):
    """'a black starry sky', 'an orange sunset', 'a brown wall'"""
    c = s.sky
    if s.wall:
        return an(pick(rng, f"{c} wall", f"{c} background", f"plain {c} background"))
    if s.nebula:
        return an(pick(rng, f"{s.nebula} nebula", f"{s.nebula} nebula in {c} space", f"glowing {s.nebula} nebula"))
    if c in ("brown", "grey"):
        return an(pick(rng, f"{c} background", "dark background" if c == "brown" else f"plain {c} background"))
    if s.kind == "landscape" or (s.kind == "figure" and not s.stars and c not in ("black", "dark blue")):
        if c == "orange":
            return an(pick(rng, "orange sunset", "orange sky", "orange sunset sky"))
        star = pick(rng, "starry ", "", "") if s.stars else ""
        return an(f"{star}{c} sky")
    if c in ("black", "dark blue") and s.kind == "figure":
        return an(pick(rng, "dark background", f"{c} background", f"starry {c} sky" if s.stars else "dark background"))
    return pick(rng, an(f"starry {c} sky"), f"{c} space with stars", an(f"{c} sky full of stars")) if s.stars else \
        pick(rng, f"{c} space", f"plain {c} space", an(f"{c} sky"))


def extras(rng, s):
    """Small things, each as a noun phrase."""
    found = []
    if s.comet:
        found.append(pick(rng, "a comet", "a comet with a long tail"))
    if s.sun:
        where = {"left": " on the left", "right": " on the right", "center": " in the center"}[s.sun_place]
        found.append(an(pick(rng, f"{s.sun} sun", f"bright {s.sun} sun")) + (where if says(rng, s.sun_place, "center", .3) else ""))
    if s.sky_clouds:
        found.append(pick(rng, "white clouds", "clouds in the sky"))
    if s.flowers:
        found.append(f"{s.flower_colour} flowers in the foreground")
    if s.painting:
        found.append(painting(rng, s))
    if s.plants:
        found.append(pick(rng, "plants", "potted plants", "green plants"))
    if s.smoke:
        found.append(pick(rng, "smoke", "white smoke"))
    return found


def painting(rng, s):
    what = {"flowers": "flowers", "woman": "a woman", "landscape": "mountains"}[s.painting]
    if not s.wall:
        return pick(rng, f"a painting of {what}", f"a painting of {what} in the background")
    return pick(rng, f"a painting of {what} on the wall", f"a painting of {what}", "a painting on the wall")


def frame(rng, s):
    c = s.frame_colour if rng.random() < .4 else ""
    return pick(rng, f"surrounded by a frame of {c} flowers and leaves", f"inside a frame of {c} flowers and leaves",
                f"framed by {c} flowers and leaves", f"inside a wreath of {c} flowers").replace("  ", " ")


def hair(rng, p):
    colour = p.hair_colour
    if colour == "aqua" and rng.random() >= .8:
        colour = "light blue"
    noun = {"long": ("long {} hair", "{} hair"), "braid": ("{} braided hair", "{} hair in a braid", "a {} braid"),
            "ponytail": ("{} hair in a ponytail", "a {} ponytail"), "curly": ("curly {} hair", "{} curly hair"),
            "bun": ("{} hair in a bun", "a {} bun"), "short": ("short {} hair", "{} hair")}[p.hair_style]
    text = pick(rng, *noun).format(colour)
    return "an" + text[1:] if text.startswith("a a") else text


def outfit(rng, p):
    c = p.outfit_colour
    if p.outfit == "dress":
        white = ("white wedding dress", "white dress") if c == "white" else (f"{c} ball gown",)
        return an(pick(rng, f"{c} dress", f"{c} dress", f"{c} gown", *white))
    if p.outfit == "robe":
        return an(pick(rng, f"{c} robe", f"long {c} robe"))
    if p.outfit == "armor":
        return pick(rng, f"{c} armor", f"{c} armor", an(f"suit of {c} armor"))
    if p.outfit == "space suit":
        return an(pick(rng, f"{c} space suit", f"{c} space suit", f"{c} spacesuit"))
    return an(pick(rng, f"{c} robot costume", f"{c} robot-like costume"))


def hat(rng, p):
    """Headgear noun phrase or ''."""
    text = {None: "", "helmet": an(f"{p.headgear_colour} helmet") if rng.random() < .8 else "a helmet",
            "crown": pick(rng, "a gold crown", "a crown", "a golden crown"),
            "bubble helmet": pick(rng, "a bubble helmet", "a glass helmet", "a bubble hat", "a glass bubble helmet"),
            "gold stars": pick(rng, "gold stars on {} head", "gold stars in {} hair"),
            "flowers": pick(rng, "flowers in {} hair", f"{p.headgear_colour} and white flowers in {{}} hair",
                            "a wreath of flowers on {} head"),
            }[p.headgear].format("her" if p.person == "woman" else "his")
    if p.hat_flowers:
        text += pick(rng, " with flowers on it", " with flowers", " covered in flowers")
    return text
