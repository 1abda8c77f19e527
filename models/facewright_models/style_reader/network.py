"""The style reader: what the parser sees of a face, its pixels, and those of eyes and brows -> styles.

Where hair is says most about which hair it is, and the parser finds it in photos as well as in renders: maps of
classes are what both have in common. Brows, irises and make-up are finer than those maps, so a band of the frame is
read at its own resolution beside them. Source of the task: the hair branch and the tag-based styles of "Fast and
Robust Face-to-Parameter Translation" (AAAI 2021), section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["BAND", "FACE_PX", "FRAME_PX", "StyleReader", "StyleReaderConfig", "reader_inputs", "reduced"]

FRAME_PX = 512
FACE_PX = 128
BAND = (slice(176, 288), slice(128, 384))
"""Rows and columns of the aligned frame with brows and eyes."""

_CLASSES = 11
_SKIN = 1
_CONTRAST = 3.0


@dataclass(frozen=True, kw_only=True)
class StyleReaderConfig:
    """Slots with the number of their options, and the widths of the two paths from fine to coarse."""

    slots: tuple[str, ...]
    options: tuple[int, ...]
    face_widths: tuple[int, int, int, int] = (16, 32, 64, 80)
    band_widths: tuple[int, int, int, int] = (12, 24, 48, 64)
    narrow: int = 16
    hidden: int = 128
    dropout: float = 0.3


class StyleReader(nn.Module):
    """See the module. Inputs as `reader_inputs` makes them."""

    def __init__(self, config: StyleReaderConfig) -> None:
        super().__init__()
        self.config = config
        self.face = _path(3 + _CLASSES, config.face_widths)
        self.band = _path(3, config.band_widths)
        face, band = config.face_widths[-1], config.band_widths[-1]
        self.narrow_face = nn.Conv2d(face, config.narrow, 1)
        self.narrow_band = nn.Conv2d(band, config.narrow, 1)
        rows, columns = (-(-(s.stop - s.start) // 16) for s in BAND)
        places = (FACE_PX // 16) ** 2 + rows * columns
        self.dropout = nn.Dropout(config.dropout)
        self.gather = nn.Linear(config.narrow * places + face + band, config.hidden)
        self.answer = nn.Linear(config.hidden, sum(config.options))

    def forward(self, faces: Tensor, bands: Tensor) -> dict[str, Tensor]:
        """Faces (B, 14, 128, 128), bands (B, 3, 112, 256) -> slot: logits (B, options)."""
        face, band = self.face(faces), self.band(bands)
        seen = [self.narrow_face(face).flatten(1), face.mean((2, 3))]
        seen += [self.narrow_band(band).flatten(1), band.mean((2, 3))]
        hidden = functional.leaky_relu(self.gather(self.dropout(torch.cat(seen, 1))), 0.1)
        logits = self.answer(self.dropout(hidden)).split(self.config.options, 1)
        return dict(zip(self.config.slots, logits, strict=True))


class _Block(nn.Module):
    """Two convolutions, added to their input; nothing at first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(functional.leaky_relu(self.first(x), 0.1))
        return functional.leaky_relu(x + y, 0.1)


def _path(channels: int, widths: tuple[int, int, int, int]) -> nn.Sequential:
    """Sixteen times fewer pixels a side."""
    a, b, c, d = widths
    return nn.Sequential(
        nn.Conv2d(channels, a, 5, 2, 2),
        nn.LeakyReLU(0.1),
        nn.Conv2d(a, b, 4, 2, 1),
        nn.LeakyReLU(0.1),
        nn.Conv2d(b, c, 4, 2, 1),
        nn.LeakyReLU(0.1),
        _Block(c),
        nn.Conv2d(c, d, 4, 2, 1),
        nn.LeakyReLU(0.1),
        _Block(d),
    )


def reduced(frames: Tensor, probabilities: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What is looked at of aligned frames (B, 3, 512, 512) in [0,1] with the parser's classes (B, 11, S, S): pixels
    (B, 3, 128, 128), classes (B, 11, 128, 128) and the band (B, 3, 112, 256).
    """
    return (
        functional.adaptive_avg_pool2d(frames, FACE_PX),
        functional.adaptive_avg_pool2d(probabilities, FACE_PX),
        frames[:, :, BAND[0], BAND[1]],
    )


def reader_inputs(pixels: Tensor, classes: Tensor, bands: Tensor) -> tuple[Tensor, Tensor]:
    """Both inputs of the reader, of what `reduced` leaves.

    Colours are differences from the mean of the skin, so that light and tone matter less.
    """
    skin = classes[:, _SKIN : _SKIN + 1] + 1e-4
    tone = (pixels * skin).sum((2, 3), keepdim=True) / skin.sum((2, 3), keepdim=True)
    faces = torch.cat([_CONTRAST * (pixels - tone), 2 * classes - 1], 1)
    return faces, _CONTRAST * (bands - tone)
