"""The translator network: what is known of an aligned face -> sliders, styles, colours, pose and expression.

Maps keep their places, because a slider is a matter of where things are; what they say, the marks and the embedding
then go through residual attention blocks as in "Fast and Robust Face-to-Parameter Translation" (AAAI 2021),
section 3.2: two layers with attention over their channels, added to their input.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from facewright_models.identity import EMBEDDING_SIZE
from facewright_models.landmarks import LANDMARK_COUNT
from facewright_models.translator.inputs import DEEP_PX, TranslatorInputs

__all__ = ["Translation", "Translator", "TranslatorConfig"]

_MAPS = 3 + 11 + 64 + 128
_DEEP = 256


@dataclass(frozen=True, kw_only=True)
class TranslatorConfig:
    """What comes out, how wide the maps are at 16 and at 8 pixels, and the residual blocks."""

    sliders: int
    styles: tuple[int, ...]
    colors: int
    nuisance: int
    widths: tuple[int, int] = (64, 96)
    narrow: int = 24
    hidden: int = 288
    blocks: int = 3
    squeezed: int = 16
    dropout: float = 0.1


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
    """See the module. `spreads` are the mean sizes of the input's channels, which make them comparable."""

    map_spread: Tensor
    deep_spread: Tensor

    def __init__(self, config: TranslatorConfig) -> None:
        super().__init__()
        self.config = config
        at_16, at_8 = config.widths
        self.register_buffer("map_spread", torch.ones(_MAPS, 1, 1))
        self.register_buffer("deep_spread", torch.ones(_DEEP, 1, 1))
        self.read = nn.Conv2d(_MAPS, at_16, 1)
        self.block_16 = _Convolved(at_16)
        self.down = nn.Conv2d(at_16, at_8, 4, 2, 1)
        self.read_deep = nn.Conv2d(_DEEP, at_8, 1)
        self.block_8 = _Convolved(at_8)
        self.narrow_16 = nn.Conv2d(at_16, config.narrow // 3, 1)
        self.narrow_8 = nn.Conv2d(at_8, config.narrow, 1)
        places = (config.narrow + 4 * (config.narrow // 3)) * DEEP_PX**2
        self.dropout = nn.Dropout(config.dropout)
        self.gather = nn.Linear(places, config.hidden)
        self.gather_marks = nn.Linear(2 * LANDMARK_COUNT, config.hidden)
        self.gather_embedding = nn.Linear(EMBEDDING_SIZE, config.hidden)
        self.blocks = nn.Sequential(
            *(_Attended(config.hidden, config.squeezed) for _ in range(config.blocks))
        )
        self.answer = nn.Linear(
            config.hidden, config.sliders + sum(config.styles) + 3 * config.colors + config.nuisance
        )
        nn.init.normal_(self.answer.weight, std=0.01)
        nn.init.zeros_(self.answer.bias)

    @torch.no_grad()
    def measure(self, inputs: TranslatorInputs) -> None:
        """Take the sizes of the channels from some faces, before training."""
        self.map_spread.copy_(inputs.maps.abs().mean((0, 2, 3)).clamp(min=1e-3)[:, None, None])
        self.deep_spread.copy_(inputs.deep.abs().mean((0, 2, 3)).clamp(min=1e-3)[:, None, None])

    def forward(self, inputs: TranslatorInputs) -> Translation:
        """What the faces say; while training nothing is clamped to [0,1]."""
        fine = self.block_16(functional.leaky_relu(self.read(inputs.maps / self.map_spread), 0.1))
        y = functional.leaky_relu(self.down(fine) + self.read_deep(inputs.deep / self.deep_spread), 0.1)
        places = torch.cat([self.narrow_8(self.block_8(y)).flatten(1), self.narrow_16(fine).flatten(1)], 1)
        hidden = self.gather(self.dropout(places))
        hidden = hidden + self.gather_marks(10 * inputs.marks.flatten(1))
        hidden = hidden + self.gather_embedding(self.dropout(10 * inputs.embedding))
        config = self.config
        sliders, styles, colors, nuisance = self.answer(
            self.blocks(functional.leaky_relu(hidden, 0.1))
        ).split((config.sliders, sum(config.styles), 3 * config.colors, config.nuisance), 1)
        bounds = (-torch.inf, torch.inf) if self.training else (0.0, 1.0)
        return Translation(
            sliders=(0.5 + sliders).clamp(*bounds),
            styles=styles.split(config.styles, 1),
            colors=(0.5 + colors).clamp(*bounds).view(len(sliders), -1, 3),
            nuisance=nuisance.clamp(*bounds),
        )


class _Convolved(nn.Module):
    """Two convolutions, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(functional.leaky_relu(self.first(x), 0.1))
        return functional.leaky_relu(x + y, 0.1)


class _Attended(nn.Module):
    """The residual attention block: hidden - 2 hidden - hidden, weighed channel by channel, added to the input."""

    def __init__(self, hidden: int, squeezed: int) -> None:
        super().__init__()
        self.first = nn.Linear(hidden, 2 * hidden)
        self.second = nn.Linear(2 * hidden, hidden)
        self.squeeze = nn.Linear(hidden, squeezed)
        self.excite = nn.Linear(squeezed, hidden)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(functional.leaky_relu(self.first(x), 0.1))
        gate = torch.sigmoid(self.excite(functional.relu(self.squeeze(y))))
        return functional.leaky_relu(x + y * gate, 0.1)
