"""Procedural scenes with exact captions: the starter model's training pictures."""
from .captions import caption, vocabulary_corpus
from .compose import sample_mixture, sample_scene, scene_from_attributes
from .painter import render
from .palette import STYLES
from .scene import Person, Scene

__all__ = ["STYLES", "Person", "Scene", "caption", "render", "sample_mixture", "sample_scene", "scene_from_attributes",
           "vocabulary_corpus"]
