"""What a change of landmarks says about a region before any network has seen it.

That is where pixels come from, and drawings of the lines as they will lie.

Between landmarks the movement is interpolated; lids slide over the eye and meet in a seam, which no smooth movement
could do. The networks start from this, mend it, and make what it can not: what comes to light.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from facewright_models.expression.regions import Half, Region, contours
from facewright_models.landmarks.crops import apply, inverse

__all__ = ["GUIDE_LINES", "Guide", "MovedFace"]

Matrix = NDArray[np.float64]

GUIDE_LINES = 4
"""Drawings of a guide: the two of the region's contours, the openings of mouth and eyes, and what of these comes to
light.
"""
_REACH = 0.5
"""How far a landmark's movement is felt, in the distance of the eyes."""
_NUGGET = 0.01
_GRID = 24
_EYES = ((36, 37, 38, 39, 40, 41), (42, 43, 44, 45, 46, 47))
"""Corner, upper lid, corner, lower lid."""
_OPENINGS = (*(list(eye) for eye in _EYES), list(range(60, 68)))
_LIFTED, _LOWERED = 0.55, 0.45
"""Over an eye's width: how far above and below its lids skin is stretched with them."""


@dataclass(frozen=True, kw_only=True)
class Guide:
    """Of a region with S pixels a side. `moved` (2, S, S): where each place comes from, relative to itself, in places
    from -1 to 1; `drawn` (4, S, S), from 0 to 1.
    """

    moved: NDArray[np.float32]
    drawn: NDArray[np.float32]


class MovedFace:
    """A face whose landmarks (68, 2) go from `a` to `b`, both in pixels of one picture; one half of it at a time."""

    def __init__(self, a: Float64[np.ndarray, "K 2"], b: Float64[np.ndarray, "68 2"], half: Half) -> None:
        self._a, self._b, self._half = a[:68], self._only(a[:68], b, half), half
        self._unit = float(np.hypot(*(a[42:48].mean(0) - a[36:42].mean(0))))

    @staticmethod
    def _only(a: NDArray[np.float64], b: NDArray[np.float64], half: Half) -> NDArray[np.float64]:
        moving = np.zeros((68, 1), bool)
        moving[list(half.moving)] = True
        return np.where(moving, b, a)

    def guide(self, region: Region, picture_from_region: Matrix) -> Guide:
        """What is known about a region of the half."""
        region_from_picture = inverse(picture_from_region)
        side = region.side_px
        centres = (np.arange(_GRID) + 0.5) * (side / _GRID) - 0.5
        grid = np.stack(np.meshgrid(centres, centres), -1).reshape(-1, 2)
        smooth = self._smooth(apply(picture_from_region, grid)) @ region_from_picture[:, :2].T
        moved = cv2.resize(
            smooth.reshape(_GRID, _GRID, 2).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC
        )
        a, b = apply(region_from_picture, self._a), apply(region_from_picture, self._b)
        if self._half.has_lids:
            for eye in _EYES:
                moved[..., 1] += _slid(a[list(eye)], b[list(eye)], side)
        before, after = _openings(a, side), _openings(b, side)
        places = moved + np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).astype(np.float32)
        seen = cv2.remap(before, places, None, cv2.INTER_LINEAR)
        lines = contours(self._b, picture_from_region, region).transpose(2, 0, 1)
        drawn = np.concatenate([lines, after[None], np.maximum(after - seen, 0)[None]])
        return Guide(moved=np.ascontiguousarray(moved.transpose(2, 0, 1)) * np.float32(2 / side), drawn=drawn)

    def _smooth(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2): by how many pixels of the picture what is seen at places (N, 2) came from elsewhere."""
        centres, weights = self._interpolant
        return _near(places / self._unit, centres) @ weights

    @cached_property
    def _interpolant(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of all landmarks but the lids."""
        lids = {point for eye in _EYES for point in eye if point not in (eye[0], eye[3])}
        own = [point for point in range(68) if point not in lids]
        centres = self._b[own] / self._unit
        kernel = _near(centres, centres) + _NUGGET * np.eye(len(own))
        weights = np.asarray(np.linalg.solve(kernel, self._a[own] - self._b[own]), dtype=np.float64)
        return centres, weights


def _openings(points: NDArray[np.float64], side: int) -> NDArray[np.float32]:
    """(S, S), from 0 to 1: the openings of mouth and eyes."""
    opening = np.zeros((side, side), np.uint8)
    for ring in _OPENINGS:
        cv2.fillPoly(opening, [np.round(16 * points[ring]).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return opening.astype(np.float32) / np.float32(255)


def _near(places: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, M): Matérn's covariance with 3/2; positive definite, and nothing far away.

    Source: Rasmussen & Williams, "Gaussian Processes for Machine Learning", eq. 4.17.
    """
    away = places[:, None].astype(np.float32) - centres[None].astype(np.float32)
    far = np.sqrt((away * away).sum(-1)) * np.float32(np.sqrt(3) / _REACH)
    return np.asarray((1 + far) * np.exp(-far), dtype=np.float64)


def _slid(a: NDArray[np.float64], b: NDArray[np.float64], side: int) -> NDArray[np.float32]:
    """(S, S): by how much further down lids were before they slid, an eye (6, 2) in pixels of a region."""
    if a[0, 0] > a[3, 0]:
        a, b = a[[3, 2, 1, 0, 5, 4]], b[[3, 2, 1, 0, 5, 4]]
    width = b[3, 0] - b[0, 0]
    nothing = np.zeros((side, side), np.float32)
    if width < 1 or a[3, 0] - a[0, 0] < 1:
        return nothing
    along = (np.arange(side) - b[0, 0]) / width
    inside = (along > 0) & (along < 1)
    t = along[inside]
    upper_a, upper_b, lower_a, lower_b = (_lid(eye, lid, t) for lid in ((1, 2), (5, 4)) for eye in (a, b))
    middle = (upper_b + lower_b) / 2
    upper_b, lower_b = np.minimum(upper_b, middle), np.maximum(lower_b, middle)
    upper, lower = upper_a - upper_b, lower_a - lower_b
    above = np.arange(side)[:, None] - (b[0, 1] + t * (b[3, 1] - b[0, 1]))
    lifted = np.clip(1 - (upper_b - above) / (_LIFTED * width), 0, 1) ** 1.5
    lowered = np.clip(1 - (above - lower_b) / (_LOWERED * width), 0, 1) ** 1.5
    between = np.clip(above, upper_a, lower_a) - above  # the eye stands still behind its lids
    slid = np.where(above < upper_b, upper * lifted, np.where(above > lower_b, lower * lowered, between))
    nothing[:, inside] = slid
    return nothing


def _lid(eye: NDArray[np.float64], lid: tuple[int, int], t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of places t from corner to corner: how far a lid lies below the line between them; a cubic through its points."""
    width = eye[3, 0] - eye[0, 0]
    at = np.clip((eye[list(lid), 0] - eye[0, 0]) / width, [0.15, 0.55], [0.45, 0.85])
    below = eye[list(lid), 1] - (eye[0, 1] + at * (eye[3, 1] - eye[0, 1]))
    first, second = below / (at * (1 - at))
    slope = (second - first) / (at[1] - at[0])
    return np.asarray(t * (1 - t) * (first + slope * (t - at[0])))
