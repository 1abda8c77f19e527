"""How far eyes are open, measured without landmarks: the parser finds the region of an eye, edges find its outline.

The second of two ways, for comparison with the first (`degrees`). Source: seed 000 [0081]: an eye region recognition
model gives the image of the region, edge recognition its inner and outer corner and the poles of both lids; the opening
is the region's height over its width.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import numpy as np
from jaxtyping import Float64, UInt8
from numpy.typing import NDArray

from facewright_models.landmarks.crops import apply
from facewright_models.parsing.alignment import crop_similarity
from facewright_models.parsing.classes import FaceClass
from facewright_models.parsing.network import ParsingNetwork
from facewright_models.parsing.parser import class_probabilities, load_parser

__all__ = ["eye_openings", "eye_poles"]

_EYES: Mapping[str, FaceClass] = {"right_eye": FaceClass.RIGHT_EYE, "left_eye": FaceClass.LEFT_EYE}
_ENLARGED = 3
_LIKELY, _NEAR_PX = 0.5, 3
_CANNY = (20, 60)


def eye_openings(
    pixels: UInt8[np.ndarray, "H W 3"],
    points: Float64[np.ndarray, "K 2"],
    *,
    parser: ParsingNetwork | None = None,
) -> dict[str, float | None]:
    """`right_eye` and `left_eye` of the face whose 68 points are known: height over width; None where the parser sees
    no eye, as where it is shut or covered. Raises WeightsError.
    """
    photo_from_crop = crop_similarity(points[:68])
    probabilities = class_probabilities(pixels, photo_from_crop, parser or load_parser())
    openings: dict[str, float | None] = {}
    for name, eye in _EYES.items():
        poles = eye_poles(pixels, photo_from_crop, probabilities[..., int(eye)])
        openings[name] = None
        if poles is not None:
            inner, outer, upper, lower = poles
            across = outer - inner
            width = float(np.hypot(*across))
            normal = np.array([-across[1], across[0]]) / max(width, 1e-6)
            openings[name] = float(abs((lower - upper) @ normal) / max(width, 1e-6))
    return openings


def eye_poles(
    pixels: UInt8[np.ndarray, "H W 3"],
    photo_from_crop: NDArray[np.float64],
    probability: NDArray[np.float32],
) -> Float64[np.ndarray, "4 2"] | None:
    """Both corners and the poles of the upper and the lower lid in pixels of the photo, of an eye whose `probability`
    (256, 256) is known in a crop; None where there is none.

    The lids lie at the edges of the picture that are nearest to the region's border.
    """
    mask = (probability > _LIKELY).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    only = (labels == largest).astype(np.uint8)
    crop_from_view, size = _along(only)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    region = cv2.warpAffine(only.astype(np.float32), crop_from_view, size, flags=flags) > 0.5
    photo_from_view = (
        np.concatenate([photo_from_crop, [[0, 0, 1]]]) @ np.concatenate([crop_from_view, [[0, 0, 1]]])
    )[:2]
    view = cv2.warpAffine(pixels, photo_from_view, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    edges = cv2.Canny(cv2.GaussianBlur(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), (0, 0), 1.5), *_CANNY)
    rows, columns = np.nonzero(region)
    if np.ptp(columns) < 2 * _ENLARGED:
        return None
    middle = np.arange(int(np.percentile(columns, 35)), int(np.percentile(columns, 65)) + 1)
    upper, lower = (_lid(region, edges, middle, is_upper=is_upper) for is_upper in (True, False))
    first, last = columns.argmin(), columns.argmax()
    poles = np.array(
        [
            (columns[first], rows[first]),
            (columns[last], rows[last]),
            (middle.mean(), upper),
            (middle.mean(), lower),
        ],
        np.float64,
    )
    return apply(photo_from_view, poles)


def _along(region: NDArray[np.uint8]) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """(2, 3) from an enlarged view in which the region's longest extent lies level to the region's picture, and the
    view's width and height.
    """
    moments = cv2.moments(region, binaryImage=True)
    angle = 0.5 * math.atan2(2 * moments["mu11"], moments["mu20"] - moments["mu02"])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    rows, columns = np.nonzero(region)
    places = np.stack([columns, rows], 1) @ turn
    low, high = places.min(0) - 2 * _NEAR_PX, places.max(0) + 2 * _NEAR_PX
    width, height = (int(value) for value in np.ceil((high - low) * _ENLARGED))
    return np.concatenate([turn / _ENLARGED, (turn @ low)[:, None]], 1), (width, height)


def _lid(
    region: NDArray[np.bool_], edges: NDArray[np.uint8], columns: NDArray[np.int64], *, is_upper: bool
) -> float:
    """The row of a lid's pole: in each column the edge nearest to the region's border, or the border where none is."""
    found = []
    for column in columns:
        inside = np.flatnonzero(region[:, column])
        if not inside.size:
            continue
        border = int(inside[0] if is_upper else inside[-1])
        near = np.flatnonzero(edges[:, column])
        near = near[np.abs(near - border) <= _NEAR_PX]
        found.append(border if not near.size else near[np.abs(near - border).argmin()])
    return float(np.median(found))
