"""Draws a scene at any size in any style: back to front."""
import numpy as np

from .architecture import draw_building
from .figures import draw_people
from .ground import draw_clouds, draw_ground
from .ornament import frame
from .palette import LOOKS
from .pen import Pen
from .planets import draw_moons, draw_planet
from .plants import draw_foreground_flowers, draw_plants, draw_wreath
from .ships import draw_ships
from .sky import draw_sky


def render(scene, width, height, style="base"):
    """uint8 RGB array of shape (height, width, 3). The style changes colours and ornament, never the boxes."""
    pen = Pen(width, height, LOOKS[style], scene.light)
    layers = np.random.default_rng([scene.seed, 77]).spawn(6)
    draw_sky(pen, scene, layers[0])
    if scene.planet:
        draw_planet(pen, scene)
    draw_moons(pen, scene)
    draw_clouds(pen, scene, layers[1])
    draw_ground(pen, scene, layers[2])
    draw_building(pen, scene)
    draw_ships(pen, scene)
    draw_plants(pen, scene)
    draw_people(pen, scene)
    draw_foreground_flowers(pen, scene, layers[3])
    draw_wreath(pen, scene, layers[4])
    if pen.look.ornate:
        frame(pen)
    return _finished(pen.image(), pen.look, layers[5])


def _finished(picture, look, rng):
    """The look's finish on the drawing, in floats and back."""
    if not look.finish:
        return picture
    finished = look.finish(picture.astype(np.float32) / 255, min(picture.shape[:2]), rng)
    return (np.clip(finished, 0, 1) * 255 + .5).astype(np.uint8)
