"""The recogniser: a small convolutional network that reads a scene's attributes off a picture."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from training.labels import HEADS

SIDE_PIXELS = 128  # larger pictures are averaged down to it
WEIGHTS = Path(__file__).parent / "recogniser.safetensors"


class Residual(torch.nn.Module):
    """Two 3 × 3 convolutions around a shortcut."""

    def __init__(self, channels: int):
        super().__init__()
        self.body = torch.nn.Sequential(*convolution(channels, channels), torch.nn.ReLU(), *convolution(channels, channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x + self.body(x))


def convolution(inputs: int, outputs: int, stride: int = 1) -> list[torch.nn.Module]:
    return [torch.nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), torch.nn.BatchNorm2d(outputs)]


class Recogniser(torch.nn.Module):
    """RGB in -1…1, [batch, 3, 128, 128], to one row of scores for all heads, [batch, sum of values]."""

    def __init__(self):
        super().__init__()
        relu = torch.nn.ReLU
        self.features = torch.nn.Sequential(
            *convolution(3, 24, 2), relu(), *convolution(24, 48, 2), relu(), Residual(48),
            *convolution(48, 96, 2), relu(), Residual(96), *convolution(96, 112, 2), relu(), Residual(112))
        self.squeeze = torch.nn.Conv2d(112, 32, 1)
        self.hidden = torch.nn.Linear(32 * 64 + 112, 160)
        self.heads = torch.nn.Linear(160, sum(len(options) for options in HEADS.values()))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        features = self.features(pictures)
        places = F.relu(self.squeeze(features)).flatten(1)
        strongest = features.amax((2, 3))
        hidden = F.relu(self.hidden(torch.cat([places, strongest], 1)))
        return self.heads(F.dropout(hidden, 0.1, self.training))


def split_heads(scores: torch.Tensor) -> dict[str, torch.Tensor]:
    """Scores [batch, all values] -> attribute -> [batch, its values]."""
    return dict(zip(HEADS, scores.split([len(options) for options in HEADS.values()], 1)))


def to_input(pictures: np.ndarray) -> torch.Tensor:
    """uint8 [batch, height, width, 3], any size -> floats of the network's size."""
    batch = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    if batch.shape[-2:] == (SIDE_PIXELS, SIDE_PIXELS):
        return batch
    return F.interpolate(batch, (SIDE_PIXELS, SIDE_PIXELS), mode="bilinear", antialias=True)


@torch.no_grad()
def recognise(network: Recogniser, pictures: np.ndarray) -> list[dict]:
    """Attribute -> value for every picture, uint8 [pictures, height, width, 3]."""
    network.eval()
    found = []
    for start in range(0, len(pictures), 64):
        rows = split_heads(network(to_input(pictures[start : start + 64])))
        choices = {name: scores.argmax(1).tolist() for name, scores in rows.items()}
        found += [{name: HEADS[name][numbers[i]] for name, numbers in choices.items()} for i in range(len(choices["kind"]))]
    return found


def save_recogniser(network: Recogniser, path: Path = WEIGHTS) -> None:
    """Half precision: under 2 MB."""
    tensors = {name: tensor.to(torch.float16).contiguous() for name, tensor in network.state_dict().items()
               if not name.endswith("num_batches_tracked")}
    save_file(tensors, path)
    path.chmod(0o644)


def load_recogniser(path: Path = WEIGHTS) -> Recogniser:
    network = Recogniser()
    network.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()}, strict=False)
    return network.eval()
