"""What a change of landmarks says about a region before any network has seen it.

That is where pixels come from, and drawings of the lines as they will lie.

Between landmarks the movement is interpolated, but lids and lips part and meet in a seam, which no smooth movement can:
they slide over eyes and teeth, which stand still. The networks start from this, mend it, and make what it can not: what
comes to light.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from facewright_models.expression.regions import Half, Region, contours
from facewright_models.expression.smile_motion import lips_apart
from facewright_models.expression.teeth import drawn_teeth, usual_teeth
from facewright_models.landmarks.crops import apply, inverse

__all__ = ["GUIDE_LINES", "Guide", "MovedFace", "near", "openings"]

Matrix = NDArray[np.float64]

GUIDE_LINES = 5
"""Drawings of a guide: the two of the region's contours, the openings of mouth and eyes, what of these comes to light,
and teeth in them.
"""
_REACH = 0.5
"""How far a landmark's movement is felt, in the distance of the eyes."""
_NUGGET = 0.01
_GRID = 24
_EYES = ((36, 37, 38, 39, 40, 41), (42, 43, 44, 45, 46, 47))
"""Corner, upper lid, corner, lower lid."""
_LIPS = (60, 61, 62, 63, 64, 65, 66, 67)
"""The same of the mouth's inner edge."""
_OPENINGS = (
    *(((eye[0], eye[1], eye[2], eye[3]), (eye[0], eye[5], eye[4], eye[3])) for eye in _EYES),
    ((60, 61, 62, 63, 64), (60, 67, 66, 65, 64)),
)
"""Upper and lower edges."""
_CURVED = 25
"""Points along an edge."""
_EDGES = {point for eye in _EYES for point in (*eye[1:3], *eye[4:])} | {61, 62, 63, 65, 66, 67}
_LIFTED, _LOWERED = 0.55, 0.45
"""Over an eye's width: how far above and below its lids skin is stretched with them."""
_LID_EDGES = (0.057, 0.056)
"""Over an eye's width: lids that close, the upper and the lower one, end so far outside of their landmarks, which may
lie in what they cover.
"""
_LIP_EDGE, _SHUT_EDGE = 0.02, 0.03
"""Over a mouth's width: a lower lip that opens, and both that shut, end so far outside of their landmarks, which may
lie on teeth.
"""
_DARK_CORNERS, _SURELY_OPEN = 0.8, 0.05
"""Of the way from the inner to the outer corners of lips: so far they shut; over a mouth's width: if they were surely
open.
"""
_OUTLINE = (*range(17), *range(26, 21, -1), *range(21, 16, -1))
_BELOW_JAW = 0.1
"""In the distance of the eyes: how far below the jaw's edge things still move with it."""
_STRAY = 0.1
"""How far along an edge its points may lie from where they lie evenly."""
_RIM = np.ones((5, 5), np.uint8)
"""How far around what comes to light the edge of an opening is painted over."""
_TEETH_PX = (2.5, 7.0)
"""How high an opening is that shows none, and one that shows them wholly."""
_SEAM = np.ones((3, 3), np.uint8)
_SOFT_PX = 0.7
_LEAST_LIP = 0.05
"""Over the mouth's width."""


@dataclass(frozen=True, kw_only=True)
class Guide:
    """Of a region with S pixels a side. `moved` (2, S, S): where each place comes from, relative to itself, in places
    from -1 to 1; `drawn` (5, S, S), from 0 to 1.
    """

    moved: NDArray[np.float32]
    drawn: NDArray[np.float32]


class MovedFace:
    """A face whose landmarks (68, 2) go from `a` to `b`, both in pixels of one picture; one half of it at a time."""

    def __init__(
        self,
        a: Float64[np.ndarray, "K 2"],
        b: Float64[np.ndarray, "68 2"],
        half: Half,
        teeth: Float64[np.ndarray, "2 3"] | None = None,
    ) -> None:
        """`teeth` lie where they usually do, unless it is known, see `drawn_teeth`."""
        self._teeth = usual_teeth(a) if teeth is None else teeth
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
                _slide_lids(moved, a[list(eye)], b[list(eye)])
        else:
            moved *= self._before_neck(b, side)[..., None]
            lips = np.abs(b[[51, 57], 1] - b[[62, 66], 1])
            _part_lips(moved, *_mouths(a, b), lips)
        before, after = openings(a, side), openings(b, side)
        places = moved + np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).astype(np.float32)
        # Lids that shut end further outside of their landmarks than lips: what they bring along was no opening.
        ends = _RIM if self._half.has_lids else _SEAM
        both = np.stack([_room(before), cv2.dilate(before, ends)], -1)
        seen, perhaps = np.moveaxis(cv2.remap(both, places, None, cv2.INTER_LINEAR), -1, 0)
        lines = contours(self._b, picture_from_region, region).transpose(2, 0, 1)
        revealed = _revealed(seen, perhaps, after)
        teeth = np.zeros_like(after)
        if not self._half.has_lids:
            teeth = drawn_teeth(self._teeth, self._b, picture_from_region, side) * after * _wide(after)
        drawn = np.concatenate([lines, np.stack([after, revealed, teeth])])
        return Guide(moved=np.ascontiguousarray(moved.transpose(2, 0, 1)) * np.float32(2 / side), drawn=drawn)

    @staticmethod
    def _before_neck(b: NDArray[np.float64], side: int) -> NDArray[np.float32]:
        """(S, S): 1 on the face, 0 soon below its jaw: a chin goes before the neck, which stands still."""
        face = np.zeros((side, side), np.uint8)
        cv2.fillPoly(face, [np.round(16 * b[list(_OUTLINE)]).astype(np.int32)], 1, cv2.LINE_8, 4)
        away = cv2.distanceTransform(1 - face, cv2.DIST_L2, 5)
        unit = float(np.hypot(*(b[42:48].mean(0) - b[36:42].mean(0))))
        return np.asarray(np.clip(1 - away / max(_BELOW_JAW * unit, 1), 0, 1), np.float32)

    def _smooth(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2): by how many pixels of the picture what is seen at places (N, 2) came from elsewhere."""
        centres, weights = self._interpolant
        return near(places / self._unit, centres) @ weights

    @cached_property
    def _interpolant(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of all landmarks but those at which skin ends."""
        own = [point for point in range(68) if point not in _EDGES]
        centres = self._b[own] / self._unit
        kernel = near(centres, centres) + _NUGGET * np.eye(len(own))
        weights = np.asarray(np.linalg.solve(kernel, self._a[own] - self._b[own]), dtype=np.float64)
        return centres, weights


def openings(points: NDArray[np.float64], side: int) -> NDArray[np.float32]:
    """(S, S), from 0 to 1: the openings of mouth and eyes of landmarks (68, 2) in pixels of a region, between the same
    edges as things move.
    """
    opening = np.zeros((side, side), np.uint8)
    for upper, lower in _OPENINGS:
        outline = _outline(points[list(upper)], points[list(lower)])
        cv2.fillPoly(opening, [np.round(16 * outline).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return opening.astype(np.float32) / np.float32(255)


def _outline(upper: NDArray[np.float64], lower: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M, 2): what lies between two edges (N, 2), which share their corners."""
    if upper[0, 0] > upper[-1, 0]:
        upper, lower = upper[::-1], lower[::-1]
    first, last = upper[0], upper[-1]
    if last[0] - first[0] < 1:
        return np.concatenate([upper, lower[-2:0:-1]])
    t = np.linspace(0, 1, _CURVED)
    line = first + t[:, None] * (last - first)
    above, below = _edge(upper, t), _edge(lower, t)
    middle = (above + below) / 2
    edges = [
        line + np.stack([np.zeros_like(t), down], 1)
        for down in (np.minimum(above, middle), np.maximum(below, middle))
    ]
    return np.concatenate([edges[0], edges[1][-2:0:-1]])


def _room(opening: NDArray[np.float32]) -> NDArray[np.float32]:
    """(S, S): an opening without its edge, where landmarks are not sure; nothing of one that is hardly open."""
    return np.asarray(np.clip(2 * cv2.erode(opening, _SEAM) - 1, 0, 1), np.float32)


def _wide(opening: NDArray[np.float32]) -> NDArray[np.float32]:
    """(S,): of columns of a mouth, from 0 where it is hardly open, as in its corners, to 1 where teeth are seen."""
    high = np.convolve(np.pad(opening.sum(0), 2, "edge"), np.full(5, 0.2), "valid")
    none, whole = _TEETH_PX
    return np.asarray(np.clip((high - none) / (whole - none), 0, 1), np.float32)


def _revealed(
    seen: NDArray[np.float32], perhaps: NDArray[np.float32], after: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(S, S): what comes to light of an opening of which that much was seen, and not more than `perhaps`, up to the
    seam where lips end now; but nothing where an opening stays as it is.
    """
    room = _room(after)
    new = np.maximum(np.maximum(room - seen, after - perhaps), 0)
    rim = np.minimum(cv2.dilate(new, _RIM), cv2.dilate(after, _SEAM) - room)
    whole = cv2.morphologyEx(np.maximum(new, rim), cv2.MORPH_CLOSE, _SEAM)
    return np.asarray(cv2.GaussianBlur(whole, (0, 0), _SOFT_PX), np.float32)


def near(places: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, M): Matérn's covariance with 3/2; positive definite, and nothing far away.

    Source: Rasmussen & Williams, "Gaussian Processes for Machine Learning", eq. 4.17.
    """
    away = places[:, None].astype(np.float32) - centres[None].astype(np.float32)
    far = np.sqrt((away * away).sum(-1)) * np.float32(np.sqrt(3) / _REACH)
    return np.asarray((1 + far) * np.exp(-far), dtype=np.float64)


def _slide_lids(moved: NDArray[np.float32], a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    """Adds to `moved` (S, S, 2) what the lids of an eye (6, 2) do, in pixels of a region."""
    if a[0, 0] > a[3, 0]:
        a, b = a[[3, 2, 1, 0, 5, 4]], b[[3, 2, 1, 0, 5, 4]]
    columns, t = _columns(b[0], b[3], len(moved))
    if not t.size or a[3, 0] - a[0, 0] < 1:
        return
    upper_a, upper_b, lower_a, lower_b = (
        _edge(eye[[0, *lid, 3]], t) for lid in ((1, 2), (5, 4)) for eye in (a, b)
    )
    width = b[3, 0] - b[0, 0]
    gaps = lower_a - upper_a, lower_b - upper_b
    shut = np.clip((gaps[0] - gaps[1]) / np.maximum(gaps[0], 0.01 * width), 0, 1)
    edge = width * shut * np.minimum(1, 8 * t * (1 - t))
    above, shift, inside = _parted(
        (b[0], b[3]),
        (upper_b, lower_b),
        (upper_a - _LID_EDGES[0] * edge, lower_a + _LID_EDGES[1] * edge),
        (_LIFTED * width, _LOWERED * width),
        t,
        len(moved),
        _as_lids,
    )
    part = moved[:, columns]
    part[..., 1] += shift
    part[inside, 0] = 0
    part[inside, 1] = (np.clip(above, upper_a, lower_a) - above)[inside]
    moved[:, columns] = part


def _mouths(
    a: NDArray[np.float64], b: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(8, 2) each: inner edges of lips; of those that shut, up to the outer corners, since some dark lies beyond."""
    heights = [max(lips_apart(lips), 0.0) for lips in (a, b)]
    least = _SURELY_OPEN * float(np.hypot(*(a[54] - a[48])))
    shut = max(heights[0] - heights[1], 0.0) / max(heights[0], least, 1.0)
    mouths = a[list(_LIPS)], b[list(_LIPS)]
    for mouth, points in zip(mouths, (a, b), strict=True):
        mouth[[0, 4]] += _DARK_CORNERS * shut * (points[[48, 54]] - points[[60, 64]])
    return mouths


def _part_lips(
    moved: NDArray[np.float32], a: NDArray[np.float64], b: NDArray[np.float64], lips: NDArray[np.float64]
) -> None:
    """The same of the inner edge of a mouth (8, 2), along which lips may slide; `lips` are the heights of both."""
    if b[0, 0] > b[4, 0]:
        order = [4, 3, 2, 1, 0, 7, 6, 5]
        a, b = a[order], b[order]
    columns, t = _columns(b[0], b[4], len(moved))
    if not t.size or a[4, 0] - a[0, 0] < 1:
        return
    line = b[0, 1] + t * (b[4, 1] - b[0, 1])
    edges, before = [], []
    for own in ([0, 1, 2, 3, 4], [0, 7, 6, 5, 4]):
        edge = _edge(b[own], t)
        came = _taken(moved, np.stack([np.flatnonzero(columns), line + edge], 1))
        edges.append(edge)
        before.append(edge + _height(a[own], came[:, 0]) - came[:, 1])
    width = b[4, 0] - b[0, 0]
    gaps = before[1] - before[0], edges[1] - edges[0]
    opened = (gaps[1] - gaps[0]) / np.maximum(np.maximum(*gaps), 0.01 * width)
    shut, opened = np.clip(-opened, 0, 1), np.clip(opened, 0, 1)
    edge = width * np.minimum(1, 16 * t * (1 - t))
    before[0] -= _SHUT_EDGE * shut * edge
    before[1] += (_LIP_EDGE * opened + _SHUT_EDGE * shut) * edge
    reach = np.maximum(lips, _LEAST_LIP * width)
    _, shift, inside = _parted(
        (b[0], b[4]),
        (edges[0], edges[1]),
        (before[0], before[1]),
        (float(reach[0]), float(reach[1])),
        t,
        len(moved),
        _as_lips,
    )
    part = moved[:, columns]
    part[..., 1] += shift
    part[inside] = 0
    moved[:, columns] = part


def _taken(moved: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2): where what is seen at places (N, 2) in pixels came from."""
    at = places.astype(np.float32)
    shifts = cv2.remap(moved, at[None], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(places + shifts[0])


def _height(points: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,): where an edge lies at x; beyond its corners as high as these."""
    t = np.clip((x - points[0, 0]) / (points[-1, 0] - points[0, 0]), 0, 1)
    return np.asarray(points[0, 1] + t * (points[-1, 1] - points[0, 1]) + _edge(points, t))


def _columns(
    first: NDArray[np.float64], last: NDArray[np.float64], side: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which columns of a region lie between two corners, and how far along; none where the corners hardly differ."""
    width = last[0] - first[0]
    along = (np.arange(side) - first[0]) / max(width, 1e-6)
    inside = (along > 0) & (along < 1) & (width >= 1)
    return inside, along[inside]


def _parted(
    corners: tuple[NDArray[np.float64], NDArray[np.float64]],
    now: tuple[NDArray[np.float64], NDArray[np.float64]],
    before: tuple[NDArray[np.float64], NDArray[np.float64]],
    reach: tuple[float, float],
    t: NDArray[np.float64],
    side: int,
    follows: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Of places (S, columns): how far they lie below the line between the corners, by how much further down their skin
    was, and which lie between the edges `now`. Edges that pass each other meet halfway. Skin `follows` an edge the more
    the nearer it is, from 0 where it is out of reach to 1.
    """
    middle = (now[0] + now[1]) / 2
    upper, lower = np.minimum(now[0], middle), np.maximum(now[1], middle)
    first, last = corners
    above = np.arange(side)[:, None] - (first[1] + t * (last[1] - first[1]))
    lifted = follows(np.clip(1 - (upper - above) / reach[0], 0, 1)) * (before[0] - upper)
    lowered = follows(np.clip(1 - (above - lower) / reach[1], 0, 1)) * (before[1] - lower)
    inside = (above > upper) & (above < lower)
    return above, np.where(above <= upper, lifted, np.where(inside, 0, lowered)), inside


def _as_lips(near: NDArray[np.float64]) -> NDArray[np.float64]:
    """They are stretched most at their edges."""
    return np.asarray(near**1.5, dtype=np.float64)


def _as_lids(near: NDArray[np.float64]) -> NDArray[np.float64]:
    """They are stretched above lashes, which go along as they are."""
    return np.asarray(near**1.5 * (2 - near), dtype=np.float64)


def _edge(points: NDArray[np.float64], t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of places t from the first point (corner) to the last: how far an edge lies below the line between them; the
    polynomial through its points.
    """
    first, last = points[0], points[-1]
    count = len(points) - 2
    even = np.arange(1, count + 1) / (count + 1)
    at = np.clip((points[1:-1, 0] - first[0]) / (last[0] - first[0]), even - _STRAY, even + _STRAY)
    below = points[1:-1, 1] - (first[1] + at * (last[1] - first[1]))
    shape = np.linalg.solve(np.vander(at), below / (at * (1 - at)))
    return np.asarray(t * (1 - t) * np.polyval(shape, t))
