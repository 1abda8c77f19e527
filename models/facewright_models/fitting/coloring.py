"""Colours from the photo's parsed regions.

The mean colour of each region is compared with the average character's under the stage's light; the ratio,
in linear light, is the ratio of the colour parameters.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from facewright_models.fitting.features import LOSS_PX, FaceFeatures

__all__ = ["COLOR_CLASSES", "color_distance", "colors_from_regions", "region_means"]

COLOR_CLASSES: Mapping[str, tuple[int, ...]] = {
    "skin": (1, 7),
    "hair": (2,),
    "brows": (3, 4),
    "lips": (8, 10),
    "iris": (5, 6),
}
"""Colour parameter -> parsing classes whose pixels show it."""

_GAMMA = 2.2
_IRIS_GAIN = 1.5
_NATURAL = {
    "brows": [[0.05, 0.045, 0.045], [0.18, 0.12, 0.09], [0.36, 0.25, 0.17], [0.60, 0.47, 0.32]],
    "iris": [
        [0.14, 0.09, 0.06],
        [0.36, 0.24, 0.13],
        [0.42, 0.42, 0.24],
        [0.38, 0.48, 0.48],
        [0.40, 0.52, 0.64],
    ],
    "lips": [[0.36, 0.20, 0.18], [0.56, 0.33, 0.30], [0.68, 0.42, 0.39], [0.84, 0.56, 0.53]],
}
_REACH = {"brows": 0.05, "iris": 0.05, "lips": 0.12}
"""How far from the natural tones a colour may be; lips are painted."""
_FEWEST_PIXELS = {  # of an image of 256 x 256
    "skin": 500.0,
    "hair": 400.0,
    "brows": 30.0,
    "lips": 30.0,
    "iris": 8.0,
}


def region_means(features: FaceFeatures) -> dict[str, tuple[Tensor, Tensor]]:
    """Colour name -> linear mean colour (N, 3) and number of pixels (N,), as if the image had 256 x 256.

    Pixels count by the square of their class probability, so that blurred borders count little. Of the
    eyes, a disc about their middle counts, without its highlight; of the hair, the darker part, because
    the backdrop shines through its edges.
    """
    linear = features.image.clamp(1e-4, 1).pow(_GAMMA)  # (N, 3, H, W)
    luminance = linear.mean(1, keepdim=True)
    result = {}
    for name, classes in COLOR_CLASSES.items():
        weight = features.probabilities[:, list(classes)].sum(1, keepdim=True).square()
        if name == "iris":
            weight = weight * _iris_discs(features)
        if name in ("iris", "hair"):
            total = weight.sum((2, 3), keepdim=True) + 1e-6
            typical = (luminance * weight).sum((2, 3), keepdim=True) / total
            weight = weight * (luminance < 1.1 * typical)
        count = weight.sum((1, 2, 3))
        mean = (linear * weight).sum((2, 3)) / (count[:, None] + 1e-6)
        result[name] = mean, count * (LOSS_PX / weight.shape[-1]) ** 2
    return result


def _iris_discs(features: FaceFeatures) -> Tensor:
    """(N, 1, H, W): one inside a disc of a fifth of the eye's width about the middle of each eye."""
    size = features.image.shape[-1]
    axis = torch.arange(size, dtype=features.image.dtype)
    result = torch.zeros_like(features.image[:, :1])
    for first in (36, 42):
        eye = features.landmarks[:, first : first + 6]
        center = eye.mean(1)
        radius = 0.2 * (eye[:, 3] - eye[:, 0]).norm(dim=-1)
        x = axis - center[:, 0, None]  # (N, W)
        y = axis - center[:, 1, None]
        inside = x.square()[:, None, :] + y.square()[:, :, None] < radius.square()[:, None, None]
        result = torch.maximum(result, inside[:, None].to(result.dtype))
    return result


def colors_from_regions(
    photo: FaceFeatures, shown: FaceFeatures, current: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The colours (N, 3) that would make the shown regions look like the photo's.

    `current` are the colours (N, 3) or (3,) that `shown` was drawn with. Regions that hardly show keep
    them. Brows, irises and lips are small and noisy: they are held near natural tones.
    """
    seen, reference = region_means(photo), region_means(shown)
    result = {}
    for name, rgb in current.items():
        base = rgb.expand(len(photo.image), 3).clamp(min=0.02)
        if name not in seen:
            result[name] = base
            continue
        (mean, seen_count), (drawn, drawn_count) = seen[name], reference[name]
        ratio = ((mean + 1e-4) / (drawn + 1e-4)).clamp(0.2, 5)
        color = (base.pow(_GAMMA) * ratio).clamp(1e-4, 1).pow(1 / _GAMMA).clamp(0.02, 0.98)
        if name == "iris":
            # Lids and lashes shade photo and drawing differently; the photo's own tone, lightened, is steadier.
            color = (_IRIS_GAIN * mean.pow(1 / _GAMMA)).clamp(0.02, 0.98)
        if name in _NATURAL:
            color = _toward_natural(color, torch.tensor(_NATURAL[name]), reach=_REACH[name])
        fewest = _FEWEST_PIXELS[name]
        enough = ((seen_count > fewest) & (drawn_count > fewest))[:, None]
        result[name] = torch.where(enough, color, base)
    return result


def _toward_natural(color: Tensor, tones: Tensor, *, reach: float) -> Tensor:
    """(N, 3) moved to at most `reach` from the polyline through the natural tones (K, 3)."""
    start, step = tones[:-1], tones[1:] - tones[:-1]
    relative = color[:, None] - start  # (N, K-1, 3)
    share = ((relative * step).sum(-1) / step.square().sum(-1)).clamp(0, 1)
    nearest = start + share[..., None] * step
    distance = (color[:, None] - nearest).norm(dim=-1)
    best = nearest[torch.arange(len(color)), distance.argmin(1)]
    away = color - best
    result: Tensor = best + away * (reach / away.norm(dim=-1, keepdim=True).clamp(min=reach))
    return result


def color_distance(photo: FaceFeatures, imitated: FaceFeatures) -> Tensor:
    """(N,) mean difference of the regions' display colours; regions missing on either side do not count."""
    seen, shown = region_means(photo), region_means(imitated)
    total, weights = [], []
    for name in COLOR_CLASSES:
        (a, count_a), (b, count_b) = seen[name], shown[name]
        display = (a + 1e-5).pow(1 / _GAMMA) - (b + 1e-5).pow(1 / _GAMMA)
        enough = ((count_a > _FEWEST_PIXELS[name]) & (count_b > _FEWEST_PIXELS[name])).float()
        total.append(display.abs().mean(1) * enough)
        weights.append(enough)
    return torch.stack(total).sum(0) / torch.stack(weights).sum(0).clamp(min=1)
