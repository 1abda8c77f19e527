"""Where the closer look looks: a square about an eye with its brow, and one about mouth and nostrils.

A window is a similarity `photo_from_window` (2, 3), as crops are; that of the left eye is mirrored, so that one network
sees both eyes as right ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from facewright_models.landmarks.template import POINT_MIRROR

__all__ = ["EYE_POINTS", "MOUTH_POINTS", "WINDOWS", "WINDOW_PX", "Window", "window_of"]

Matrix = NDArray[np.float64]

WINDOW_PX = 96
EYE_POINTS = (*range(17, 22), *range(36, 42), 75, 76, 77)
"""Of the subject's right: brow, lids, iris."""
MOUTH_POINTS = (*range(31, 36), *range(48, 68))
_DIAGONAL = 1.45
"""Of a frontal face: the way from the eyes' middle to the mouth and that between the eyes are the sides of a rectangle
whose diagonal is so long, with 1 between the eyes. Turned and opened faces change it less than either.
"""


@dataclass(frozen=True, kw_only=True)
class Window:
    """Points in the order of its network, the points whose mean is its middle, by how much the middle lies above them
    and the side, both with 1 between the eyes.
    """

    points: tuple[int, ...]
    about: tuple[int, ...]
    above: float
    side: float
    is_mirrored: bool = False


_LEFT_EYE = tuple(int(POINT_MIRROR[point]) for point in EYE_POINTS)

WINDOWS: Mapping[str, Window] = {
    "right_eye": Window(points=EYE_POINTS, about=tuple(range(36, 42)), above=0.16, side=1.0),
    "left_eye": Window(points=_LEFT_EYE, about=tuple(range(42, 48)), above=0.16, side=1.0, is_mirrored=True),
    "mouth": Window(points=MOUTH_POINTS, about=tuple(range(48, 60)), above=0.08, side=1.5),
}


def window_of(points: Float64[np.ndarray, "K 2"], window: Window, side_px: int = WINDOW_PX) -> Matrix:
    """`photo_from_window` (2, 3) of a face with at least the 68 points, upright in the window."""
    eyes, mouth = points[36:48].mean(0), points[48:60].mean(0)
    across = points[42:48].mean(0) - points[36:42].mean(0)
    up = eyes - mouth
    direction = np.array([-up[1], up[0]]) + across
    length = float(np.hypot(*direction))
    right = direction / length if length > 1e-9 else np.array([1.0, 0.0])
    down = np.array([-right[1], right[0]])
    unit = max(float(np.sqrt(across @ across + up @ up)) / _DIAGONAL, 1.0)
    middle = points[list(window.about)].mean(0) - window.above * unit * down
    step = window.side * unit / side_px
    linear = step * np.stack([-right if window.is_mirrored else right, down], 1)
    return np.concatenate([linear, (middle - linear @ np.full(2, (side_px - 1) / 2))[:, None]], 1)
