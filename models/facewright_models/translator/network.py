"""The translator network: what the parser sees of an aligned face -> sliders, styles, pose and expression.

It reads only the parser's features, which photos and renders share, so that what it learns on renders holds
for photos. Attention over channels follows each pair of convolutions, as in the translator of
"Fast and Robust Face-to-Parameter Translation" (AAAI 2021), section 3.2; unlike there, the maps keep their
places, because a slider is a matter of where things are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["MAP_SIZES", "Translation", "Translator", "TranslatorConfig", "translator_inputs"]

MAP_SIZES = ((11, 64), (64, 32), (128, 16))
"""Channels and side of the inputs: class probabilities, then two depths of the parser."""


@dataclass(frozen=True, kw_only=True)
class TranslatorConfig:
    """What comes out, and how wide the network is."""

    sliders: int
    styles: tuple[int, ...]
    nuisance: int
    widths: tuple[int, int, int] = (48, 64, 96)
    hidden: int = 256


@dataclass(frozen=True, kw_only=True)
class Translation:
    """Of B faces: sliders (B, P) and nuisance (B, N) in [0,1], logits of each style slot (B, options)."""

    sliders: Tensor
    styles: tuple[Tensor, ...]
    nuisance: Tensor


class Translator(nn.Module):
    """See the module. Inputs as `translator_inputs` makes them."""

    def __init__(self, config: TranslatorConfig) -> None:
        super().__init__()
        self.config = config
        a, b, c = config.widths
        self.read_64 = nn.Conv2d(MAP_SIZES[0][0], 24, 4, 2, 1)
        self.join_32 = nn.Conv2d(24 + MAP_SIZES[1][0], a, 3, 1, 1)
        self.block_32 = _Block(a)
        self.down_16 = nn.Conv2d(a, b, 4, 2, 1)
        self.join_16 = nn.Conv2d(b + MAP_SIZES[2][0], b, 3, 1, 1)
        self.block_16 = _Block(b)
        self.down_8 = nn.Conv2d(b, c, 4, 2, 1)
        self.block_8 = _Block(c)
        self.narrow = nn.Conv2d(c, 32, 1)
        self.direct = nn.Conv2d(a, 6, 1)  # places at 32 x 32, seen by the last layers as they are
        self.gather = nn.Linear(32 * 64 + 6 * 32 * 32, config.hidden)
        self.answer = nn.Linear(config.hidden, config.sliders + sum(config.styles) + config.nuisance)
        nn.init.normal_(self.answer.weight, std=0.01)
        nn.init.zeros_(self.answer.bias)

    def forward(self, probabilities: Tensor, shallow: Tensor, deep: Tensor) -> Translation:
        """Maps (B, 11, 64, 64), (B, 64, 32, 32), (B, 128, 16, 16)."""
        y = functional.leaky_relu(self.read_64(probabilities), 0.1)
        y = functional.leaky_relu(self.join_32(torch.cat([y, shallow], 1)), 0.1)
        fine = self.block_32(y)
        y = functional.leaky_relu(self.down_16(fine), 0.1)
        y = functional.leaky_relu(self.join_16(torch.cat([y, deep], 1)), 0.1)
        y = functional.leaky_relu(self.down_8(self.block_16(y)), 0.1)
        y = self.narrow(self.block_8(y))
        places = torch.cat([y.flatten(1), self.direct(fine).flatten(1)], 1)
        hidden = functional.leaky_relu(self.gather(places), 0.1)
        config = self.config
        sliders, styles, nuisance = self.answer(hidden).split(
            (config.sliders, sum(config.styles), config.nuisance), 1
        )
        return Translation(
            sliders=(0.5 + sliders).clamp(0, 1) if not self.training else 0.5 + sliders,
            styles=styles.split(config.styles, 1),
            nuisance=nuisance.clamp(0, 1) if not self.training else nuisance,
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


def translator_inputs(probabilities: Tensor, depths: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Parser output of aligned images: probabilities (B, 11, 256, 256) and its depths -> the three maps."""
    small = functional.adaptive_avg_pool2d(probabilities, MAP_SIZES[0][1])
    return small, depths[1], depths[2]
