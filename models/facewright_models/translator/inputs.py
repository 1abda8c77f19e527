"""What the translator reads of a face: its marks, its embedding, and the parser's features.

All three are made for the losses of a fit anyway, so that translating costs next to nothing. Source of the choice:
"Fast and Robust Face-to-Parameter Translation" (AAAI 2021), section 3.2, which reads the embedding and the features of
the parser; the marks are this product's own addition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["DEEP_PX", "MAPS_PX", "TranslatorInputs", "translator_inputs"]

MAPS_PX = 16
DEEP_PX = 8
_EYES = slice(36, 42), slice(42, 48)


@dataclass(frozen=True, kw_only=True)
class TranslatorInputs:
    """Of B faces: marks (B, 68, 2) off those of the average face, in inter-ocular distances; embedding (B, 128);
    maps (B, 206, 16, 16): pixels, classes and the parser's second and third depth; deep (B, 256, 8, 8), its fourth.
    """

    marks: Tensor
    embedding: Tensor
    maps: Tensor
    deep: Tensor

    def at(self, rows: Tensor) -> TranslatorInputs:
        """Those of some of the faces, in single precision: `rows` (K,) int64."""
        return TranslatorInputs(**{name: part[rows].float() for name, part in vars(self).items()})


def translator_inputs(
    *,
    images: Tensor,
    probabilities: Tensor,
    depths: Sequence[Tensor],
    embedding: Tensor,
    marks_px: Tensor,
    average_px: Tensor,
) -> TranslatorInputs:
    """The inputs of aligned faces.

    Args:
        images: (B, 3, 256, 256) in [0,1], with the parser's `probabilities` and `depths` and the `embedding`.
        marks_px: (B, 68, 2) in pixels of the images.
        average_px: (B or 1, 68, 2) where the average character would be marked.
    """
    right, left = (average_px[:, eye].mean(1) for eye in _EYES)
    pooled = [
        functional.adaptive_avg_pool2d(part, MAPS_PX)
        for part in (images, probabilities, depths[1], depths[2])
    ]
    return TranslatorInputs(
        marks=(marks_px - average_px) / (left - right).norm(dim=1)[:, None, None],
        embedding=embedding,
        maps=torch.cat(pooled, 1),
        deep=depths[3],
    )
