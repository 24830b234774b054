"""Pictures and labels for the recogniser: the generator's own, some of them through the starter's autoencoder."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from training.growing_arrays import GrowingArrays
from training.labels import HEADS, indices_of, values_of
from training.recogniser_network import SIDE_PIXELS
from training.scenes import STYLES, render, sample_mixture
from training.starter_models import encode_pictures, pixels_per_latent

# Seeds that no stage of the starter is trained on (those are below 300 million, or from 900 million on).
TRAINING_SEED, CEILING_SEED = 500_000_000, 600_000_000
STYLE_SHARES = (0.52, 0.16, 0.08, 0.08, 0.08, 0.08)
# What the frozen mixture shows too rarely to learn from.
SHARES = {"couple": .05, "relation": .06, "count": .2, "saucer": .04, "comet": .03, "seat": .05, "frame": .03,
          "indoors": .03, "flowers": .03, "sun": .03, "building": .03}
BATCH = 250


def style_of(seed: int) -> str:
    return STYLES[int(np.random.default_rng([seed, 31]).choice(len(STYLES), p=STYLE_SHARES))]


def one_example(seed: int) -> tuple[np.ndarray, list[int]]:
    """A picture of SIDE_PIXELS, one half of them drawn at twice the size and averaged, and its labels."""
    scene, style = sample_mixture(seed, shares=SHARES), style_of(seed)
    if seed % 2:
        return render(scene, SIDE_PIXELS, SIDE_PIXELS, style), indices_of(values_of(scene, style))
    large = render(scene, 2 * SIDE_PIXELS, 2 * SIDE_PIXELS, style).astype(np.uint16)
    small = (large[::2, ::2] + large[1::2, ::2] + large[::2, 1::2] + large[1::2, 1::2] + 2) // 4
    return small.astype(np.uint8), indices_of(values_of(scene, style))


def through_autoencoder(autoencoder, pictures: np.ndarray, noise: float, generator: torch.Generator) -> np.ndarray:
    """Encoded, with latent noise, and decoded: as soft as what the starter draws at best. The encoder of the starter reads
    half of the size that its decoder draws, so a picture of SIDE_PIXELS goes through at twice its size."""
    batch = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    doubled = pixels_per_latent(autoencoder) == 16 and batch.shape[-1] <= SIDE_PIXELS
    if doubled:
        batch = F.interpolate(batch, scale_factor=2, mode="nearest")
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        latents = encode_pictures(autoencoder, batch.contiguous(memory_format=torch.channels_last))
        latents = latents + noise * torch.randn(latents.shape, generator=generator)
        decoded = autoencoder.decoder(latents).float()
    if doubled:
        decoded = F.avg_pool2d(decoded, 2)
    return ((decoded.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def make_examples(folder: Path, count: int, autoencoder) -> tuple[np.ndarray, np.ndarray]:
    """Memory-mapped uint8 [count, side, side, 3] and int16 [count, heads]; made in pieces of BATCH, and continued.
    Every fourth piece has been through the autoencoder."""
    examples = GrowingArrays(folder, "recogniser", {"pictures": (np.uint8, (count, SIDE_PIXELS, SIDE_PIXELS, 3)),
                                                    "labels": (np.int16, (count, len(HEADS)))})
    for start in range(examples.done, count, BATCH):
        rows = [one_example(TRAINING_SEED + start + i) for i in range(min(BATCH, count - start))]
        pictures = np.stack([picture for picture, _ in rows])
        if start // BATCH % 4 == 3:
            generator = torch.Generator().manual_seed(start)
            pictures = through_autoencoder(autoencoder, pictures, 0.1 + 0.3 * (start // BATCH % 8 == 7), generator)
        examples.append(pictures, [labels for _, labels in rows])
    return tuple(examples.arrays)
