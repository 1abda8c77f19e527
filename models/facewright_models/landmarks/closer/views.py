"""Random views of one window of a face whose points are known, strayed as a look at the whole face strays."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from facewright_models.landmarks.closer.model import MOUTH_MIRROR, cut
from facewright_models.landmarks.closer.windows import WINDOW_PX, Window, window_of
from facewright_models.landmarks.crops import apply, inverse
from facewright_models.landmarks.views import MarkedFace, disturbed, reshaped

__all__ = ["random_window"]

_DISTURBED = 0.75
_STRAY, _SCALE, _TILT_DEGREES = 0.045, 0.07, 6.0


def random_window(
    face: MarkedFace, window: Window, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_]]:
    """Pixels (96, 96, 3) in [0, 1], the window's points (K, 2) in them, and which lie inside."""
    photo_from_window = window_of(face.points, window) @ _strayed(rng)
    pixels = cut(face.pixels, photo_from_window)
    image = pixels.astype(np.float32) / np.float32(255)
    points = apply(inverse(photo_from_window), face.points[list(window.points)])
    if not window.is_mirrored and len(points) == len(MOUTH_MIRROR) and rng.random() < 0.5:
        image = image[:, ::-1].copy()
        points = (points * [-1, 1] + [WINDOW_PX - 1, 0])[MOUTH_MIRROR]
    if rng.random() < 0.6:
        image, points = reshaped(image, points, rng)
    if rng.random() < _DISTURBED:
        image = disturbed(image, rng)
    inside = np.asarray(((points >= 0) & (points <= WINDOW_PX - 1)).all(1))
    return image, points, inside


def _strayed(rng: np.random.Generator) -> NDArray[np.float64]:
    """(3, 3) from pixels of the view to those of the window."""
    angle = math.radians(float(rng.normal(0, _TILT_DEGREES)))
    scale = math.exp(rng.normal(0, _SCALE))
    stretch, shear = rng.normal(0, 0.03, 2)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = scale * turn @ np.array([[1 + stretch, shear], [0, 1 / (1 + stretch)]])
    center = np.full(2, (WINDOW_PX - 1) / 2)
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = center - linear @ center + rng.normal(0, _STRAY, 2) * WINDOW_PX
    return matrix
