"""NVIDIA FLIP through the package flip-evaluator: how different two pictures look, pixel by pixel.

Source: Andersson et al. 2020, "FLIP: A Difference Evaluator for Alternating Images"; the viewing distance is FLIP's
own default of 67 pixels per degree.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from facewright.testing.extra import require_extra

__all__ = ["PIXELS_PER_DEGREE", "flip_map"]

PIXELS_PER_DEGREE = 67.0
# How far a pixel's difference reaches into the map at that distance: the radius of FLIP's widest filter.
_REACH_PX = 10


def flip_map(actual: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Two (H, W) or (H, W, 3) uint8 sRGB pictures -> (H, W) float32 in [0, 1], 0 where they look the same.

    About 2.5 microseconds a pixel, for the rectangle around the pixels that differ alone. Raises
    `MissingExtraError`.
    """
    require_extra()
    import flip_evaluator

    result = np.zeros(actual.shape[:2], np.float32)
    differs = actual != expected if actual.ndim == 2 else (actual != expected).any(-1)
    if not differs.any():
        return result
    # Twice the reach: differences show in the map as far as that, and what is made there needs as much around it.
    rows, columns = (_span(differs.any(axis), 2 * _REACH_PX) for axis in (1, 0))
    evaluated: np.ndarray[Any, Any] = flip_evaluator.evaluate(
        _as_floats(expected[rows, columns]),
        _as_floats(actual[rows, columns]),
        "LDR",
        applyMagma=False,
        computeMeanError=False,
        parameters={"ppd": PIXELS_PER_DEGREE},
    )[0]
    result[rows, columns] = evaluated[..., 0]
    return result


def _span(is_in: np.ndarray[Any, Any], margin: int) -> slice:
    """From the first true entry to the last, and `margin` more on either side."""
    places = np.flatnonzero(is_in)
    return slice(max(0, int(places[0]) - margin), int(places[-1]) + 1 + margin)


def _as_floats(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(H, W[, 3]) uint8 -> (H, W, 3) float32 in [0, 1]."""
    colors = np.repeat(pixels[..., None], 3, -1) if pixels.ndim == 2 else pixels
    return np.ascontiguousarray(colors, np.float32) / np.float32(255)
