"""People of all skin tones, for whoever looks at results instead of counting them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.evaluation.people import gallery_photos, trained_nothing
from facewright_models.landmarks import detect_faces
from facewright_models.photo import Photo, decode_photo

__all__ = ["people_of_all_tones"]

_CHEEKS = (((2, 3, 4), 31), ((12, 13, 14), 35))
"""Landmarks of the jaw, and the nostril's edge: halfway between lies a cheek."""
_PATCH = 0.12


def people_of_all_tones(data: Path, count: int = 12) -> list[Photo]:
    """Photos of people that no model was trained on, evenly from the darkest skin to the lightest."""
    tones: list[tuple[float, str, Photo]] = []
    for path in gallery_photos(data):
        if not trained_nothing(path):
            continue
        photo = decode_photo(path.read_bytes())
        faces = detect_faces(photo.pixels)
        if faces:
            tones.append((_lightness(photo.pixels, faces[0].landmarks_px), path.name, photo))
    tones.sort(key=lambda tone: tone[:2])
    if not tones:
        return []
    chosen = np.linspace(0, len(tones) - 1, min(count, len(tones))).round().astype(int)
    return [tones[index][2] for index in chosen]


def _lightness(pixels: NDArray[np.uint8], points: NDArray[np.float64]) -> float:
    """The median L* of both cheeks, 0 to 100."""
    values = []
    for jaw, nostril in _CHEEKS:
        edge = points[list(jaw)].mean(0)
        x, y = (0.5 * (edge + points[nostril])).astype(int)
        reach = max(2, int(_PATCH * np.hypot(*(edge - points[nostril]))))
        patch = pixels[max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach]
        values.append(cv2.cvtColor(patch.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 0].ravel())
    return float(np.median(np.concatenate(values)))
