"""Photos taken in too little light, brought to the brightness that a camera would have chosen."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["brightened"]

_GAMMA = 2.2
_DARK, _BRIGHT = 0.2, 0.6
"""Linear light of the brightest parts: under the first a photo is dark (88 studio photos: 0.34 and more), and is
brought to the second."""
_BRIGHTEST_SHARE = 0.005
_MOST_GAIN = 24.0
_LARGEST_CAST = 1.6
"""Of a lamp's light: how far the brightest parts may be from grey."""


def brightened(pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The photo (H, W, 3) sRGB under more light, and white light; None where it has enough.

    The whole picture decides, not the face: dark skin in good light has bright things beside it. Too little light is
    lamp light more often than not, so its brightest parts are taken for grey, within limits.
    """
    grey = (cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) / 255.0) ** _GAMMA
    white = float(np.quantile(grey, 1 - _BRIGHTEST_SHARE))
    if white >= _DARK:
        return None
    brightest = ((pixels[grey >= white] / 255.0) ** _GAMMA).mean(0) + 1e-4  # (3,)
    cast = np.clip(brightest / brightest.mean(), 1 / _LARGEST_CAST, _LARGEST_CAST)
    gains = min(_BRIGHT / max(white, 1e-4), _MOST_GAIN) / cast
    linear = (np.arange(256)[:, None] / 255.0) ** _GAMMA * gains  # (256, 3)
    tables = np.rint(255 * np.clip(linear, 0, 1) ** (1 / _GAMMA)).astype(np.uint8)
    return np.stack([tables[pixels[..., channel], channel] for channel in range(3)], -1)
