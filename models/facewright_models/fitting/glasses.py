"""A hint that somebody wears glasses: the bar over the bridge of the nose is a strong horizontal edge.

On the sets at hand: strength under 42 on 98 studio photos and 40 frames of five bare faces, 66 and more on 12
frames of a man with thin-rimmed glasses. A warning, not a judgement.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.parsing import crop_similarity, warp_crop

__all__ = ["bridge_edge", "wears_glasses"]

_THRESHOLD = 52.0
_SCALE = 1.6


def wears_glasses(pixels: NDArray[np.uint8], landmarks_px: NDArray[np.float64]) -> bool:
    """Whether the photo (H, W, 3) shows a bar between the eyes of the face with these 68 points."""
    return bridge_edge(pixels, landmarks_px) > _THRESHOLD


def bridge_edge(pixels: NDArray[np.uint8], landmarks_px: NDArray[np.float64]) -> float:
    """Mean over the columns between the eyes of the strongest vertical gradient (Sobel units of 8 bits)."""
    photo_from_crop = crop_similarity(landmarks_px, scale=_SCALE)
    crop = warp_crop(pixels, photo_from_crop)
    crop_from_photo = cv2.invertAffineTransform(photo_from_crop)
    points = landmarks_px @ crop_from_photo[:, :2].T + crop_from_photo[:, 2]
    grey = cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1.0)
    gradient = np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    right, left = points[39], points[42]
    middle, level, gap = (right[0] + left[0]) / 2, (right[1] + left[1]) / 2, left[0] - right[0]
    ocular = float(np.linalg.norm(points[36:42].mean(0) - points[42:48].mean(0)))
    rows = slice(max(0, round(level - 0.25 * ocular)), round(level + 0.22 * ocular))
    columns = slice(max(0, round(middle - 0.22 * gap)), round(middle + 0.22 * gap))
    bridge = gradient[rows, columns]
    return float(bridge.max(0).mean()) if bridge.size else 0.0
