"""Draws training batches from pre-encoded latents: one aspect and one padded text length per batch."""

from dataclasses import dataclass

import numpy as np
import torch

from training.latents import BUCKETS, finished_parts
from training.stage import WORK
from training.starter_models import image_ids, pack_latents
from training.text import END_ID, PAD_ID, padded_length


@dataclass
class Batch:
    packed: torch.Tensor  # [batch, image tokens, 64], clean latents
    input_ids: torch.Tensor  # [batch, text tokens]
    positions: torch.Tensor  # [image tokens, 3]


class LatentGroup:
    """All aspect buckets of one style, with the parts that are there now (a resumed stage finds those that came since).
    Scenes and captions are indexed by the captions' padded length."""

    def __init__(self, style: str):
        self.buckets = []
        names = [name for size, _ in BUCKETS for name in finished_parts(style, size)]
        if not names:
            raise SystemExit(f"no latents of style {style}: python -m training.latents --style {style}")
        for name in names:
            latents = np.load(WORK / f"latents-{name}.npy", mmap_mode="r")
            tokens = np.load(WORK / f"tokens-{name}.npy")
            lengths = (tokens != PAD_ID).sum(-1)
            padded = np.maximum(8, (lengths + 7) // 8 * 8)
            for length in np.unique(padded):
                self.buckets.append((latents, tokens, int(length), np.argwhere(padded == length)))
        # Long captions cost more tokens: they are drawn in proportion to what they show, 64 picture tokens each time.
        sizes = np.array([len(entries) / (64 + length) for *_, length, entries in self.buckets], float)
        self.shares = torch.from_numpy(sizes / sizes.sum())

    def draw(self, count: int, generator: torch.Generator, dropout: float) -> Batch:
        """`dropout` of the rows carry the empty prompt, padded to the batch's length; a part of the batches
        is empty altogether at the length an empty prompt really has."""
        latents, tokens, length, entries = self.buckets[int(torch.multinomial(self.shares, 1, generator=generator))]
        chosen = entries[torch.randint(len(entries), (count,), generator=generator).numpy()]
        chosen = chosen[np.argsort(chosen[:, 0])]
        clean = torch.from_numpy(np.stack([latents[scene] for scene, _ in chosen])).float()
        input_ids = torch.from_numpy(tokens[chosen[:, 0], chosen[:, 1], :length].astype(np.int64))
        empty = empty_prompts(1, length)[0]
        input_ids[torch.rand(count, generator=generator) < dropout] = empty
        if torch.rand(1, generator=generator) < dropout / 4:
            input_ids = empty_prompts(count, padded_length(1))
        rows, columns = clean.shape[2] // 2, clean.shape[3] // 2
        return Batch(pack_latents(clean), input_ids, image_ids(rows, columns))


def empty_prompts(count: int, length: int) -> torch.Tensor:
    """The empty prompt: </s>, then padding."""
    input_ids = torch.full((count, length), PAD_ID, dtype=torch.long)
    input_ids[:, 0] = END_ID
    return input_ids
