"""What a scene is: plain attributes that name everything drawn, and boxes that place it."""
from dataclasses import asdict, dataclass, field


@dataclass
class Person:
    """One person; every field is something a caption can say (skin and facing are drawn, not said)."""
    person: str = "woman"               # woman | man
    framing: str = "full body"          # portrait | upper body | full body
    view: str = "front"                 # front | profile
    pose: str = "standing"              # standing | sitting
    outfit: str = "dress"               # dress | robe | armor | space suit | robot costume
    outfit_colour: str = "white"
    hair_colour: str = "brown"
    hair_style: str = "long"            # long | braid | ponytail | curly | bun | short
    headgear: str | None = None         # helmet | bubble helmet | crown | gold stars | flowers
    headgear_colour: str = "silver"
    hat_flowers: bool = False           # flowers on the bubble helmet
    veil: bool = False
    cape: str | None = None             # its colour
    gloves: bool = False
    boots: bool = False
    pearls: bool = False
    skin: int = 0
    facing: int = 1                     # 1 right, -1 left

    @property
    def shows_hair(self):
        """A closed helmet hides the hair."""
        return self.headgear != "helmet"


@dataclass
class Scene:
    """A picture before it is drawn. Boxes are (x, y, size): x, y as fractions of width and height,
    size (radius, half length or height) in units of the picture's shorter side."""
    seed: int = 0
    aspect: float = 1.0                 # width / height
    kind: str = "space"                 # space | landscape | figure
    light: int = 1                      # 1: light from the left, -1: from the right
    sky: str = "black"
    wall: bool = False                  # an interior: the sky's colour is a wall
    floor: bool = False
    painting: str | None = None         # flowers | woman | landscape
    stars: bool = False
    nebula: str | None = None
    sun: str | None = None
    sun_place: str = "right"
    comet: bool = False
    sky_clouds: bool = False
    planet: str | None = None           # small | large
    planet_colour: str = "red"
    planet_place: str = "right"         # left | right | center | top
    planet_surface: str = "plain"       # plain | bands | craters | lands
    rings: bool = False
    moons: int = 0
    ships: int = 0
    ship_kind: str = "rocket"           # rocket | saucer
    ship_colour: str = "silver"
    ship_heading: int = 1
    ground: str | None = None           # mountains | hills | desert | sea | plain | clouds
    ground_colour: str = "blue"
    building: str | None = None         # columns | arch | tower | palace
    building_colour: str = "white"
    building_place: str = "center"
    columns: int = 0
    people: list = field(default_factory=list)
    seat: str | None = None             # chair | throne | cloud
    seat_colour: str = "brown"
    smoke: bool = False
    plants: bool = False
    flowers: bool = False
    flower_colour: str = "red"
    frame: str | None = None            # flowers
    frame_colour: str = "red"
    boxes: dict = field(default_factory=dict)

    def attributes(self):
        """Exact labels as a flat dict: absent things are None, False or 0; people as person0_*, person1_*."""
        flat = {k: v for k, v in asdict(self).items() if k not in ("people", "boxes")}
        for thing, names in DEPENDENT.items():
            if not flat[thing]:
                flat.update({name: None for name in names if name in flat and name != thing})
        flat["people"] = len(self.people)
        for i, person in enumerate(self.people):
            labels = asdict(person)
            if not person.shows_hair:
                labels.update(hair_colour=None, hair_style=None)
            if person.headgear not in ("helmet", "crown", "flowers"):
                labels["headgear_colour"] = None
            flat.update({f"person{i}_{k}": v for k, v in labels.items()})
        return flat


DEPENDENT = {
    "planet": ("planet_colour", "planet_place", "planet_surface", "rings"),
    "sun": ("sun_place",), "ships": ("ship_kind", "ship_colour", "ship_heading"),
    "ground": ("ground_colour",), "building": ("building_colour", "building_place", "columns"),
    "seat": ("seat_colour",), "flowers": ("flower_colour",), "frame": ("frame_colour",),
}
