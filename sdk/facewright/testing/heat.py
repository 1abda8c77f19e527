"""The picture of a difference: where, and how strongly, over a dimmed reference."""

from __future__ import annotations

from typing import Any

import numpy as np

from facewright.testing.pictures import Picture

__all__ = ["HEAT_COLORS", "heat_picture"]

# From just visible to far off. The ends of the scale: 0, and three times what makes a pixel stand out.
HEAT_COLORS = ((40, 30, 90), (150, 30, 140), (235, 60, 60), (255, 160, 40), (255, 250, 170))
_SCALE = 3.0
_DIMMED = 0.30


def heat_picture(heat: np.ndarray[Any, Any], expected: Picture, *, outlier: float) -> np.ndarray[Any, Any]:
    """(H, W) float differences and the reference -> (H, W, 3) uint8.

    Grey is the reference, dimmed. Colours begin at a third of `outlier`, are red at it and end at three times it.
    """
    grey = _grey(expected.pixels) * _DIMMED
    relative = heat / max(outlier, 1e-6)
    # Position on the scale: 1/3 of the outlier at 0, the outlier in the middle, three times it at 1.
    position = 0.5 + 0.5 * np.log(np.maximum(relative, 1e-6)) / np.log(_SCALE)
    stops = np.linspace(0, 1, len(HEAT_COLORS))
    anchors = np.array(HEAT_COLORS, np.float64)
    colors = np.stack([np.interp(position, stops, anchors[:, channel]) for channel in range(3)], -1)
    shown = np.where((position >= 0)[..., None], colors, grey[..., None])
    return np.clip(np.rint(shown), 0, 255).astype(np.uint8)


def _grey(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(H, W) float in [0, 255], stretched where the values are not brightness."""
    if pixels.ndim == 3:
        return np.asarray(pixels[..., : min(3, pixels.shape[-1])].mean(-1))
    values = pixels.astype(np.float64)
    largest = float(values.max())
    return values * (255.0 / largest) if largest else values
