"""Where the landmark network looks: the square crop of a face, from a detector's box or from points.

A crop is a similarity `photo_from_crop` (2, 3): pixels of the crop, whose centres are whole numbers, to pixels of the
photo. Points decide over its place, side and tilt, so that a second look does not depend on whose box the first was.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from jaxtyping import Float64, UInt8
from numpy.typing import NDArray

from facewright_models.landmarks.network import CROP_PX
from facewright_models.landmarks.types import FaceBox

__all__ = ["apply", "crop_of_box", "crop_of_points", "cut", "inverse"]

Matrix = NDArray[np.float64]

_SIDES = 1.6
"""The crop's side over that of the points' extent; the rest is for the forehead and for what a head's outline says."""
_UPWARD = 0.12
"""How far above the middle of the points the crop's middle lies, over their extent."""
_SAMPLES = 3.0
"""So many pixels of the photo on a pixel of the crop are enough for its mean."""
_BOX_SIDES, _BOX_UPWARD = 1.75, 0.0
"""The same for a box as dlib's detector draws it: measured, as is how far it strays, on the photos of training."""


def crop_of_points(points: Float64[np.ndarray, "68 2"]) -> Matrix:
    """`photo_from_crop` (2, 3) of a face whose 68 points are known.

    Upright is what leads from the mouth to the eyes; of a head on its side or upside down as well.
    """
    eyes, mouth = points[36:48].mean(0), points[48:68].mean(0)
    across = points[42:48].mean(0) - points[36:42].mean(0)
    up = eyes - mouth
    # The eyes' line tilts with the head's roll alone only where it is not turned: both count.
    direction = np.array([-up[1], up[0]]) + across
    length = float(np.hypot(*direction))
    cosine, sine = direction / length if length > 1e-9 else (1.0, 0.0)
    upright = np.array([[cosine, sine], [-sine, cosine]])
    turned = points @ upright.T
    low, high = turned.min(0), turned.max(0)
    extent = max(float((high - low).max()), 1.0)
    middle = ((low + high) / 2 - np.array([0.0, _UPWARD * extent])) @ upright
    return _crop(middle, _SIDES * extent, math.atan2(sine, cosine))


def crop_of_box(box: FaceBox) -> Matrix:
    """`photo_from_crop` (2, 3) for the first look at a detector's box."""
    side = math.sqrt(max(box.area_px, 1))
    tilt = math.radians(box.tilt_degrees)
    up = _BOX_UPWARD * side * np.array([math.sin(tilt), -math.cos(tilt)])
    return _crop(np.array(box.center_px) + up, _BOX_SIDES * side, tilt)


def cut(pixels: UInt8[np.ndarray, "H W 3"], photo_from_crop: Matrix) -> UInt8[np.ndarray, "h w 3"]:
    """The crop's pixels, each the mean of about as many of the photo's as it covers; black outside the photo."""
    step = float(np.hypot(*photo_from_crop[:, 0]))
    if step > 2 * _SAMPLES:  # of a large face few pixels are enough, and all of them take 20 ms
        every = int(step / _SAMPLES)
        return cut(pixels[::every, ::every], photo_from_crop / every)
    if step > 2.0:
        # Only what the crop sees is made smaller, by whole pixels at once, so that no detail turns into noise.
        corners = apply(photo_from_crop, CROP_PX * np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]))
        low = np.clip(np.floor(corners.min(0)).astype(int) - 2, 0, None)
        high = np.ceil(corners.max(0)).astype(int) + 3
        part = pixels[low[1] : high[1], low[0] : high[0]]
        if part.size:
            factor = 1.4 / step
            size = (max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor)))
            scale = np.array(size) / np.array([part.shape[1], part.shape[0]])
            small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
            small_from_crop = photo_from_crop.copy()
            small_from_crop[:, 2] -= low
            small_from_crop *= scale[:, None]
            small_from_crop[:, 2] += 0.5 * scale - 0.5
            return _sampled(np.asarray(small), small_from_crop)
    return _sampled(pixels, photo_from_crop)


def apply(matrix: Matrix, points: Float64[np.ndarray, "K 2"]) -> Float64[np.ndarray, "K 2"]:
    """Points (K, 2) through an affine map (2, 3)."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


def inverse(matrix: Matrix) -> Matrix:
    """Of an affine map (2, 3)."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.concatenate([linear, (-linear @ matrix[:, 2])[:, None]], 1)


def _crop(middle: NDArray[np.float64], side: float, tilt: float) -> Matrix:
    step = side / CROP_PX
    linear = step * np.array([[math.cos(tilt), -math.sin(tilt)], [math.sin(tilt), math.cos(tilt)]])
    center = np.full(2, (CROP_PX - 1) / 2)
    return np.concatenate([linear, (middle - linear @ center)[:, None]], 1)


def _sampled(pixels: UInt8[np.ndarray, "H W 3"], photo_from_crop: Matrix) -> UInt8[np.ndarray, "h w 3"]:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(pixels, photo_from_crop, (CROP_PX, CROP_PX), flags=flags), dtype=np.uint8
    )
