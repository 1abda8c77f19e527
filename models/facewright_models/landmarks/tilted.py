"""Finding tilted heads with a detector of upright ones: it looks at the picture turned by several angles."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from facewright_models.landmarks.types import FaceBox, FaceDetector

__all__ = ["TILTS", "TiltedFaceDetector"]

TILTS = (35.0, -35.0, 70.0, -70.0, 105.0, -105.0, 140.0, -140.0, 180.0)
"""Degrees, clockwise; an upright detector finds what is tilted by up to 20 degrees from one of them."""

_NEAR = 0.5


class TiltedFaceDetector:
    """Faces whose heads are tilted in the picture, each with its tilt, by another detector.

    Where several looks find the same face, the surest one says how it is tilted. Costs as much as the other detector
    does for a copy of `max_pixels` (at most `max_scale` times as large as the picture), once for each angle.
    """

    def __init__(
        self,
        detector: FaceDetector,
        *,
        tilts_degrees: Sequence[float] = TILTS,
        max_pixels: int = 600_000,
        max_scale: float = 2.0,
        score_threshold: float = 0.0,
    ) -> None:
        self._detector = detector
        self._tilts = tuple(tilts_degrees)
        self._max_pixels, self._max_scale = max_pixels, max_scale
        self._score_threshold = score_threshold

    def detect(self, pixels: UInt8[np.ndarray, "H W 3"]) -> tuple[tuple[FaceBox, float], ...]:
        """Boxes with their `tilt_degrees`, and the scores of the other detector."""
        found = [
            (box, score)
            for tilt in self._tilts
            for box, score in self._upright_at(pixels, tilt)
            if score >= self._score_threshold
        ]
        found.sort(key=lambda each: -each[1])
        kept: list[tuple[FaceBox, float]] = []
        for box, score in found:
            if not any(_is_same_face(box, other) for other, _ in kept):
                kept.append((box, score))
        return tuple(kept)

    def _upright_at(
        self, pixels: UInt8[np.ndarray, "H W 3"], tilt_degrees: float
    ) -> list[tuple[FaceBox, float]]:
        """Of heads that are upright once the picture is turned back by the tilt; boxes in pixels of the picture."""
        height, width = pixels.shape[:2]
        scale = min(self._max_scale, math.sqrt(self._max_pixels / (height * width)))
        photo_from_turned, size = _turn_back(width, height, scale, math.radians(tilt_degrees))
        source = pixels
        if scale < 0.7:  # sampled one by one, such pixels would be noise
            reduced = (max(1, round(width * scale)), max(1, round(height * scale)))
            source = np.asarray(cv2.resize(pixels, reduced, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        source_from_turned = photo_from_turned.copy()
        if source is not pixels:
            shrink = np.array([source.shape[1] / width, source.shape[0] / height])
            source_from_turned *= shrink[:, None]
            source_from_turned[:, 2] += 0.5 * shrink - 0.5
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        turned = np.asarray(cv2.warpAffine(source, source_from_turned, size, flags=flags), dtype=np.uint8)
        return [
            (_moved(box, photo_from_turned, tilt_degrees), score)
            for box, score in self._detector.detect(turned)
        ]


def _turn_back(
    width: int, height: int, scale: float, tilt: float
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """`photo_from_turned` (2, 3) and the size that holds the whole turned picture."""
    cosine, sine = abs(math.cos(tilt)), abs(math.sin(tilt))
    size = (
        math.ceil(scale * (cosine * width + sine * height)),
        math.ceil(scale * (sine * width + cosine * height)),
    )
    linear = np.array([[math.cos(tilt), -math.sin(tilt)], [math.sin(tilt), math.cos(tilt)]]) / scale
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    offset = middle - linear @ ((np.array(size) - 1) / 2)
    return np.concatenate([linear, offset[:, None]], 1), size


def _moved(box: FaceBox, photo_from_turned: NDArray[np.float64], tilt_degrees: float) -> FaceBox:
    step = float(np.hypot(*photo_from_turned[:, 0]))
    x, y = photo_from_turned[:, :2] @ np.array(box.center_px) + photo_from_turned[:, 2]
    width, height = round(box.width * step), round(box.height * step)
    return FaceBox(
        x=round(float(x) - (width - 1) / 2),
        y=round(float(y) - (height - 1) / 2),
        width=width,
        height=height,
        tilt_degrees=tilt_degrees,
    )


def _is_same_face(one: FaceBox, other: FaceBox) -> bool:
    """Whether the centres lie closer than half a side of the larger box."""
    distance = math.dist(one.center_px, other.center_px)
    return distance < _NEAR * math.sqrt(max(one.area_px, other.area_px))
