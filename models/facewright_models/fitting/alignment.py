"""Pre-processing of the photo after the reference face ([0055]-[0058]).

The transform takes the photo's eyes and nose onto those of the rendered average face; a smile or an open
jaw moves neither.
"""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["FRAME_PX", "align_matrix", "transform_points", "warp_to_frame"]

FRAME_PX = 512
Array = NDArray[np.float64]

_STEADY = np.array([*range(27, 48)])
"""Landmarks that alignment trusts: nose and eyes."""


def align_matrix(
    photo_landmarks: Array, reference_landmarks: Array, kind: Literal["similarity", "affine"] = "similarity"
) -> Array:
    """frame_from_photo (2, 3): least squares over the steady landmarks of both (68, 2)."""
    source, target = photo_landmarks[_STEADY], reference_landmarks[_STEADY]
    if kind == "affine":
        homogeneous = np.concatenate([photo_landmarks, np.ones((68, 1))], 1)
        solution = np.linalg.lstsq(homogeneous, reference_landmarks, rcond=None)[0]
        result: Array = solution.T
        return result
    return similarity(source, target)


def similarity(source: Array, target: Array) -> Array:
    """(2, 3): rotation, uniform scale and shift of (N, 2) source onto target, least squares (Umeyama 1991)."""
    source_center, target_center = source.mean(0), target.mean(0)
    a, b = source - source_center, target - target_center
    scale = (a**2).sum()
    cosine = (a * b).sum() / scale
    sine = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / scale
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.concatenate([linear, (target_center - linear @ source_center)[:, None]], 1)


def transform_points(matrix: Array, points: Array) -> Array:
    """Apply a (2, 3) transform to (N, 2) points."""
    moved: Array = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def warp_to_frame(
    pixels: NDArray[np.uint8], frame_from_photo: Array, size_px: int = FRAME_PX
) -> NDArray[np.uint8]:
    """The photo in the frame (size, size, 3); where it shrinks, pixels are means over their area."""
    shrink = 1 / math.sqrt(abs(np.linalg.det(frame_from_photo[:, :2])))
    if shrink > 1.5:  # halve first, so that bilinear sampling does not alias
        factor = 2 ** round(math.log2(shrink))
        height, width = pixels.shape[:2]
        small = (max(1, round(width / factor)), max(1, round(height / factor)))
        pixels = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA).astype(np.uint8)
        ratio = np.array([width / small[0], height / small[1]])
        matrix = frame_from_photo.copy()
        matrix[:, 2] += frame_from_photo[:, :2] @ (0.5 * ratio - 0.5)
        matrix[:, :2] = frame_from_photo[:, :2] * ratio
    else:
        matrix = frame_from_photo
    flags = cv2.INTER_LINEAR if shrink > 1 else cv2.INTER_CUBIC
    warped = cv2.warpAffine(pixels, matrix, (size_px, size_px), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)
