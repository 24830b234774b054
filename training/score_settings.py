"""What steps and scale change: the same captions and seeds, drawn with other settings."""

import argparse

import numpy as np

from training.engine_pictures import draw
from training.labels import values_of
from training.recogniser_network import Recogniser, recognise
from training.said import share, statements, tally
from training.scenes import caption

FEW_STEPS, MANY_STEPS = 8, 30
SCALES = (1, 3.5, 7.5, 10)


def right_share(network: Recogniser, pictures: np.ndarray, said: list[list]) -> float:
    """How much of what the captions say the recogniser finds."""
    return round(share(tally(said, recognise(network, pictures))), 4)


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """Root mean square of the pixels' differences of picture pairs, 0-255, their mean."""
    squares = (first.astype(np.float32) - second.astype(np.float32)) ** 2
    return round(float(np.sqrt(squares.mean(axis=(1, 2, 3))).mean()), 2)


def contrast(pictures: np.ndarray) -> float:
    """Standard deviation of the brightness within a picture, 0-255, the mean of all."""
    return round(float(pictures.astype(np.float32).mean(axis=3).std(axis=(1, 2)).mean()), 1)


def colourfulness(pictures: np.ndarray) -> float:
    """Mean distance between the largest and the smallest of a pixel's red, green and blue, 0-255."""
    return round(float((pictures.max(axis=3).astype(np.float32) - pictures.min(axis=3)).mean()), 1)


def prompts_and_statements(scenes: list) -> tuple[list[str], list[list]]:
    prompts = [caption(scene, scene.seed) for scene in scenes]
    return prompts, [statements(prompt, values_of(scene)) for prompt, scene in zip(prompts, scenes)]


def score_steps(network: Recogniser, scenes: list, options: argparse.Namespace) -> dict:
    """Few steps against many: what is right in both, and how far apart the pictures are, beside pictures of another seed."""
    prompts, said = prompts_and_statements(scenes)
    seeds = list(range(len(prompts)))
    few, many = (draw(prompts, seeds, options, steps=steps) for steps in (FEW_STEPS, MANY_STEPS))
    other = draw(prompts, [seed + 1000 for seed in seeds], options, steps=FEW_STEPS)
    return {"captions": len(prompts), "few": FEW_STEPS, "many": MANY_STEPS, "right_few": right_share(network, few, said),
            "right_many": right_share(network, many, said), "distance": distance(few, many), "distance_of_seeds": distance(few, other)}


def score_scale(network: Recogniser, scenes: list, options: argparse.Namespace) -> dict:
    """Scale -> what is right, contrast, colourfulness, and the distance from the lowest scale's pictures."""
    prompts, said = prompts_and_statements(scenes)
    seeds = list(range(len(prompts)))
    drawn = {scale: draw(prompts, seeds, options, scale=scale) for scale in SCALES}
    return {f"{scale:g}": {"right": right_share(network, pictures, said), "contrast": contrast(pictures),
                           "colourfulness": colourfulness(pictures), "distance": distance(drawn[SCALES[0]], pictures)}
            for scale, pictures in drawn.items()}
