"""The shape of brows and lids, wherever they are: an arched brow or a narrowed eye is seen before it is measured."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["part_shape_error"]

_PARTS = (slice(17, 22), slice(22, 27), slice(36, 42), slice(42, 48))
"""Right and left brow, right and left lids, among the 68 marks."""


def part_shape_error(projected: Tensor, marked: Tensor, certainty: Tensor) -> Tensor:
    """(N,): mean distance of the marks (N, 68, 2) of brows and lids after each part was laid on its own centre, over
    the inter-ocular distance. `certainty` (N, 68) is what each mark counts.
    """
    scale = (marked[:, 36:42].mean(1) - marked[:, 42:48].mean(1)).norm(dim=-1)
    errors = []
    for part in _PARTS:
        difference = projected[:, part] - marked[:, part]
        difference = difference - difference.mean(1, keepdim=True)
        distance = (difference.square().sum(-1) + 1e-3).sqrt() - 1e-3**0.5
        errors.append((distance * certainty[:, part]).mean(1) / scale)
    return torch.stack(errors).mean(0)
