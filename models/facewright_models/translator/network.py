"""The translator network: an aligned face -> sliders, styles, colours, pose and expression.

It reads pixels: a parser's classes and features leave out the shading by which depth shows. Attention over
channels follows each pair of convolutions, as in the translator of "Fast and Robust Face-to-Parameter
Translation" (AAAI 2021), section 3.2; unlike there, the maps keep their places, because a slider is a matter of
where things are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["INPUT_PX", "Translation", "Translator", "TranslatorConfig", "translator_images"]

INPUT_PX = 160
"""Side of the aligned frame as the network reads it."""


@dataclass(frozen=True, kw_only=True)
class TranslatorConfig:
    """What comes out, and how wide the network is at 80, 40, 20 and 10 pixels."""

    sliders: int
    styles: tuple[int, ...]
    colors: int
    nuisance: int
    widths: tuple[int, int, int, int] = (24, 48, 96, 160)
    hidden: int = 320


@dataclass(frozen=True, kw_only=True)
class Translation:
    """Of B faces: sliders (B, P), sRGB colours (B, colors, 3) and nuisance (B, N) in [0,1], logits of each style
    slot (B, options).
    """

    sliders: Tensor
    styles: tuple[Tensor, ...]
    colors: Tensor
    nuisance: Tensor


class Translator(nn.Module):
    """See the module. Input as `translator_images` makes it."""

    def __init__(self, config: TranslatorConfig) -> None:
        super().__init__()
        self.config = config
        a, b, c, d = config.widths
        self.read = nn.Sequential(nn.Conv2d(3, a, 5, 2, 2), nn.LeakyReLU(0.1), nn.Conv2d(a, b, 4, 2, 1))
        self.blocks_40 = _Block(b)
        self.down_20 = nn.Conv2d(b, c, 4, 2, 1)
        self.blocks_20 = nn.Sequential(_Block(c), _Block(c))
        self.down_10 = nn.Conv2d(c, d, 4, 2, 1)
        self.blocks_10 = nn.Sequential(_Block(d), _Block(d))
        self.narrow = nn.Conv2d(d, 32, 1)
        self.direct = nn.Conv2d(c, 8, 1)  # places at 20 x 20, seen by the last layers as they are
        self.gather = nn.Linear(32 * (INPUT_PX // 16) ** 2 + 8 * (INPUT_PX // 8) ** 2, config.hidden)
        self.answer = nn.Linear(
            config.hidden, config.sliders + sum(config.styles) + 3 * config.colors + config.nuisance
        )
        nn.init.normal_(self.answer.weight, std=0.01)
        nn.init.zeros_(self.answer.bias)

    def forward(self, images: Tensor) -> Translation:
        """Aligned images (B, 3, INPUT_PX, INPUT_PX), sRGB in [0,1]."""
        y = functional.leaky_relu(self.read(2 * images - 1), 0.1)
        y = functional.leaky_relu(self.down_20(self.blocks_40(y)), 0.1)
        fine = self.blocks_20(y)
        y = functional.leaky_relu(self.down_10(fine), 0.1)
        y = self.narrow(self.blocks_10(y))
        places = torch.cat([y.flatten(1), self.direct(fine).flatten(1)], 1)
        hidden = functional.leaky_relu(self.gather(places), 0.1)
        config = self.config
        sliders, styles, colors, nuisance = self.answer(hidden).split(
            (config.sliders, sum(config.styles), 3 * config.colors, config.nuisance), 1
        )
        bounds = (-torch.inf, torch.inf) if self.training else (0.0, 1.0)
        return Translation(
            sliders=(0.5 + sliders).clamp(*bounds),
            styles=styles.split(config.styles, 1),
            colors=(0.5 + colors).clamp(*bounds).view(len(images), -1, 3),
            nuisance=nuisance.clamp(*bounds),
        )


class _Block(nn.Module):
    """Two convolutions with attention over channels, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        self.squeeze = nn.Linear(channels, channels // 4)
        self.excite = nn.Linear(channels // 4, channels)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(functional.leaky_relu(self.first(x), 0.1))
        gate = torch.sigmoid(self.excite(functional.relu(self.squeeze(y.mean((2, 3))))))
        result: Tensor = functional.leaky_relu(x + y * gate[:, :, None, None], 0.1)
        return result


def translator_images(frames: Tensor) -> Tensor:
    """Aligned frames (B, 3, S, S) in [0,1] at the size that the network reads; pixels are means over their area."""
    return functional.interpolate(frames, size=(INPUT_PX, INPUT_PX), mode="area")
