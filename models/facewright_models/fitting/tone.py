"""Skin and lips as people see them: CIELAB, with the photo's light taken off.

The light is estimated from the skin, the largest surface that both pictures show: a gain per channel (von Kries)
takes the photo's mean skin to the lightness-free tone of the imitated one, by no more than light differs between rooms.
Source: CIE 15:2018, "Colorimetry" (L*a*b*, white D65).
"""

from __future__ import annotations

import torch
from torch import Tensor

from facewright_models.fitting.coloring import region_means
from facewright_models.fitting.features import FaceFeatures

__all__ = ["lab_of", "tone_distance"]

_REGIONS = ("skin", "lips")
_LARGEST_CAST = 1.25
_XYZ_FROM_RGB = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
_WHITE = (0.9505, 1.0, 1.0890)
_KNEE = (6 / 29) ** 3


def tone_distance(photo: FaceFeatures, imitated: FaceFeatures) -> Tensor:
    """(N,): distance in CIELAB of skin and lips, over 100; regions missing on either side do not count."""
    seen, shown = region_means(photo), region_means(imitated)
    cast = _cast(seen["skin"][0].detach(), shown["skin"][0].detach())
    total, weights = [], []
    for name in _REGIONS:
        (a, count_a), (b, count_b) = seen[name], shown[name]
        difference = lab_of(a * cast) - lab_of(b)
        enough = ((count_a > 30) & (count_b > 30)).float()
        total.append((difference.square().sum(1) + 1e-6).sqrt() * enough / 100)
        weights.append(enough)
    return torch.stack(total).sum(0) / torch.stack(weights).sum(0).clamp(min=1)


def lab_of(linear: Tensor) -> Tensor:
    """Linear sRGB (N, 3) in [0,1] -> L*, a*, b* (N, 3)."""
    xyz = linear @ torch.tensor(_XYZ_FROM_RGB, dtype=linear.dtype).T
    ratio = (xyz / torch.tensor(_WHITE, dtype=linear.dtype)).clamp(min=1e-5)
    root = torch.where(ratio > _KNEE, ratio.pow(1 / 3), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = root.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def _cast(seen: Tensor, shown: Tensor) -> Tensor:
    """(N, 3) gains of equal lightness that take the tone of one skin (N, 3) to the other's, within a room's light."""
    gain = (shown + 1e-4) / (seen + 1e-4)
    gain = gain / gain.log().mean(1, keepdim=True).exp()
    return gain.clamp(1 / _LARGEST_CAST, _LARGEST_CAST)
