"""Words for people: noun phrases, sentences and tags."""
from . import phrases as ph
from .phrases import pick


def person_noun(rng, p, keep=.6):
    """'a woman with blue hair in a white dress wearing a silver helmet'"""
    noun = pick(rng, "woman", "woman", "lady") if p.person == "woman" else "man"
    text = f"a {noun}"
    if p.framing == "portrait" and rng.random() < .35:
        text = f"a portrait of a {noun}"
    if p.shows_hair and rng.random() < keep:
        text += " with " + ph.hair(rng, p)
    hat = ph.hat(rng, p)
    dressed = rng.random() < max(keep, .75)
    if dressed:
        text += pick(rng, " in ", " wearing ", " in ") + ph.outfit(rng, p)
    if hat and rng.random() < max(keep, .7):
        if p.headgear in ("gold stars", "flowers"):
            text += (" and " if dressed or " with " in text else " with ") + hat
        else:
            text += (" and " if " wearing " in text else " wearing ") + hat
    if p.veil and rng.random() < .8:
        text += pick(rng, " with a veil", " with a white veil", " with a veil on her head")
        if p.pearls and rng.random() < .5:
            text += " adorned with pearls"
    elif p.pearls and rng.random() < .5:
        text += pick(rng, " with pearls", " with a pearl necklace")
    if p.cape and rng.random() < keep + .2:
        text += pick(rng, " and ", " with ") + f"{ph.an(p.cape)} cape" if dressed else f" wearing {ph.an(p.cape)} cape"
    return text


def person_sentence(rng, s):
    """One more sentence about a person, with a leading space."""
    p = s.people[int(rng.integers(len(s.people)))]
    she = ("She" if p.person == "woman" else "He") if len(s.people) == 1 else f"The {p.person}"
    if len(s.people) == 2 and s.people[0].person == s.people[1].person:
        return ""
    facts = [f" {she} is wearing {ph.outfit(rng, p)}."]
    if p.shows_hair:
        facts.append(f" {she} has {ph.hair(rng, p)}.")
    if p.headgear in ("helmet", "crown", "bubble helmet"):
        facts.append(f" {she} is wearing {ph.hat(rng, p)}.")
    if p.cape:
        facts.append(f" {she} is wearing {ph.an(p.cape)} cape.")
    if p.gloves and p.boots:
        facts.append(f" {she} is wearing gloves and boots.")
    if p.view == "profile" and len(s.people) == 1:
        facts.append(f" {'Her' if p.person == 'woman' else 'His'} face is shown in profile.")
    if p.view == "front" and p.framing != "full body":
        facts.append(f" {she} is facing the viewer.")
    if p.outfit == "robot costume":
        facts.append(f" {she} is wearing a robot-like costume.")
    return pick(rng, *facts)


def person_tags(rng, s):
    """Tags in the manner of image boards; the first two name who is there."""
    girls = sum(p.person == "woman" for p in s.people)
    boys = len(s.people) - girls
    tags = [f"{girls}girl{'s' if girls > 1 else ''}"] if girls else []
    tags += [f"{boys}boy{'s' if boys > 1 else ''}"] if boys else []
    if len(s.people) == 1:
        tags.append("solo")
    body = []
    for p in s.people:
        body += _tags_of(rng, p)
    p = s.people[0]
    body += [p.framing] if p.framing != "portrait" else ["portrait"]
    if p.framing == "full body":
        body.append(p.pose)
    if s.seat:
        body.append(s.seat)
    if s.smoke:
        body.append("smoke")
    if s.plants:
        body.append("plant")
    if s.frame:
        body += ["flower", "leaf"]
    body = list(dict.fromkeys(body))
    rng.shuffle(body)
    return tags + body


def _tags_of(rng, p):
    tags = [p.outfit if p.outfit != "robot costume" else "robot"]
    if p.outfit == "dress":
        tags += [f"{p.outfit_colour} dress", "puffy sleeves", pick(rng, "frills", "dress")]
    else:
        tags.append(f"{p.outfit_colour} {p.outfit}")
    if p.shows_hair:
        tags.append(f"{p.hair_colour} hair")
        tags.append({"long": "long hair", "braid": "braid", "ponytail": "ponytail", "curly": "curly hair",
                     "bun": "hair bun", "short": "short hair"}[p.hair_style])
    tags += {"helmet": ["helmet", f"{p.headgear_colour} helmet"], "bubble helmet": ["bubble helmet", "helmet"],
             "crown": ["crown", "jewelry"], "gold stars": ["star (symbol)", "hair ornament"],
             "flowers": ["flower", "hair flower"]}.get(p.headgear, [])
    tags += ["flower"] if p.hat_flowers else []
    tags += ["veil"] if p.veil else []
    tags += ["pearls", "jewelry"] if p.pearls else []
    tags += ["cape"] if p.cape else []
    tags += ["gloves"] if p.gloves else []
    tags += ["boots"] if p.boots else []
    tags += ["profile"] if p.view == "profile" else []
    tags += ["lips", "makeup"] if p.person == "woman" and p.framing == "portrait" else []
    return tags
