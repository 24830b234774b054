"""The enlarger: a small convolutional network that makes a picture four times as wide and high.
Its output is the input with every pixel repeated, plus what six convolutions add (as ABPN, Du et al. 2021, does)."""

import torch
import torch.nn.functional as F

FACTOR = 4
CHANNELS = 32


class Enlarger(torch.nn.Module):
    """RGB in -1…1: [batch, 3, height, width] to [batch, 3, 4 * height, 4 * width]."""

    def __init__(self, channels: int = CHANNELS, middle: int = 4):
        super().__init__()
        widths = [3] + [channels] * (middle + 1) + [3 * FACTOR**2]
        self.layers = torch.nn.ModuleList(torch.nn.Conv2d(a, b, 3, 1, 1) for a, b in zip(widths, widths[1:]))
        torch.nn.init.zeros_(self.layers[-1].weight)
        torch.nn.init.zeros_(self.layers[-1].bias)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        x = pictures
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        detail = F.pixel_shuffle(self.layers[-1](x), FACTOR)
        return F.interpolate(pictures, scale_factor=FACTOR, mode="nearest") + detail
