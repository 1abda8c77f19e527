"""The points that the landmark network marks, made from the 189 points of a webmorph template.

The first 68 are those of iBUG 300-W; then 7 along the visible hairline from the subject's right temple to the left,
and for the right and the left eye the iris: its centre, its rim to the picture's left and to its right. Where the
template has another number of points along a contour than iBUG, a smooth curve through its points is divided evenly.

Source: the template `frl` of debruine/webmorphR, https://github.com/debruine/webmorphR
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from facewright_models.errors import InvalidInputError

__all__ = [
    "FOREHEAD",
    "IRIS_CENTERS",
    "IRIS_RIMS",
    "POINT_COUNT",
    "POINT_MIRROR",
    "TEMPLATE_POINTS",
    "eye_distance",
    "points_of_template",
    "read_template",
]

Array = NDArray[np.float64]

TEMPLATE_POINTS = 189
POINT_COUNT = 81
FOREHEAD = slice(68, 75)
IRIS_CENTERS = (75, 78)
IRIS_RIMS = ((76, 77), (79, 80))

_RIGHT_SIDE = (134, 109, 185, 110, 186, 111, 125, 126, 127, 128, 129)
"""From the temple down to the chin; the left side has the mirrored numbers."""
_LEFT_SIDE = (144, 112, 187, 113, 188, 114, 133, 132, 131, 130, 129)
_OUTER_CORNERS = (18, 27)
_BELOW_CORNERS = 0.07
"""Where the jaw line begins below the line through them, over their distance."""
_BROWS = (((71, 72, 73, 74, 75), 76), ((82, 81, 80, 79, 78), 77))
"""Upper edge from the outer end, and the lower inner corner."""
_BROW_END = 0.25
"""How far from the upper inner corner to the lower one the brow ends."""
_BRIDGE = ((50, 56), (51, 57), (52, 58), (53, 59), (54, 60))
_BRIDGE_START = 0.3
"""How far from the first pair of points to the second the bridge begins."""
_NOSTRILS = ((64, 64), (64, 180), (55, 55), (69, 181), (69, 69))
_EYES = (((18, 19, 20, 21, 22), (22, 30, 29, 28, 18)), ((23, 24, 25, 26, 27), (27, 33, 32, 31, 23)))
"""Upper lid from the left of the picture to the right, lower lid back."""
_UPPER_LIP = (87, 88, 89, 90, 91, 92, 93)
_LOWER_LIP = ((108, 107), (107, 106), (106, 106), (106, 105), (105, 104))
_INNER_LIPS = ((95, 96, 97), (102, 101, 100))
_CORNER_INSIDE = 0.5
"""How far from the mouth's corner towards the next pair of points the inner lips part."""
_HAIRLINE = (136, 137, 138, 139, 140, 141, 142)
_IRISES = ((0, 4, 8), (1, 12, 16))

POINT_MIRROR = np.array(
    [
        *range(16, -1, -1),
        *range(26, 16, -1),
        *range(27, 31),
        *range(35, 30, -1),
        *(45, 44, 43, 42, 47, 46),
        *(39, 38, 37, 36, 41, 40),
        *(54, 53, 52, 51, 50, 49, 48),
        *(59, 58, 57, 56, 55),
        *(64, 63, 62, 61, 60),
        *(67, 66, 65),
        *range(74, 67, -1),
        *(78, 80, 79),
        *(75, 77, 76),
    ]
)
"""Index of each point's mirror image."""


def read_template(path: Path) -> Array:
    """(189, 2) pixels of a `.tem` file. Raises InvalidInputError for a file of another form."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        count = int(lines[0])
        points = np.array([[float(value) for value in line.split()[:2]] for line in lines[1 : 1 + count]])
    except (OSError, ValueError, IndexError) as error:
        raise InvalidInputError(f"{path} is no template of points: {error}") from error
    if points.shape != (TEMPLATE_POINTS, 2) or not np.isfinite(points).all():
        raise InvalidInputError(
            f"{path} holds {len(points)} points; expected {TEMPLATE_POINTS} lines of x and y"
        )
    return points


def points_of_template(template: Array) -> Array:
    """Template points (189, 2) -> the network's points (81, 2)."""
    right, left = (_side(template, numbers) for numbers in (_RIGHT_SIDE, _LEFT_SIDE))
    parts = [right, left[-2::-1]]
    right_brow, left_brow = (_brow(template, edge, corner) for edge, corner in _BROWS)
    parts += [right_brow, left_brow[::-1]]
    bridge = _middles(template, _BRIDGE)
    bridge[0] += _BRIDGE_START * (bridge[1] - bridge[0])
    parts += [_evenly(bridge, 4), _middles(template, _NOSTRILS)]
    for upper, lower in _EYES:
        parts += [_evenly(template[list(lid)], 4)[:3] for lid in (upper, lower)]
    parts += [template[list(_UPPER_LIP)], _middles(template, _LOWER_LIP)]
    upper_lip, lower_lip = (template[list(numbers)] for numbers in _INNER_LIPS)
    for corner, lip, rest in ((87, upper_lip, (94, 99)), (93, lower_lip, (98, 103))):
        inside = template[list(rest)].mean(0)
        parts += [(template[corner] + _CORNER_INSIDE * (inside - template[corner]))[None], lip]
    parts.append(template[list(_HAIRLINE)])
    parts += [template[list(numbers)] for numbers in _IRISES]
    return np.concatenate(parts)


def eye_distance(points: Array) -> float:
    """Between the middles of both eyes' corners and lids, of points whose first 68 are those of iBUG."""
    return float(np.linalg.norm(points[36:42].mean(0) - points[42:48].mean(0)))


def _side(template: Array, numbers: Sequence[int]) -> Array:
    """(9, 2) evenly along the jaw, from a little below the outer corners of the eyes to the chin."""
    contour = template[list(numbers)]
    first, second = template[list(_OUTER_CORNERS)]
    along = second - first
    below = (contour - first) @ np.array([-along[1], along[0]])
    below -= _BELOW_CORNERS * float(along @ along)  # positive below the line: y points down
    index = int(np.argmax(below > 0))
    if index > 0:
        share = below[index - 1] / (below[index - 1] - below[index])
        start = contour[index - 1] + share * (contour[index] - contour[index - 1])
        contour = np.concatenate([start[None], contour[index:]])
    return _evenly(contour, 9)


def _brow(template: Array, edge: Sequence[int], corner: int) -> Array:
    """(5, 2) from the outer to the inner end."""
    upper = template[list(edge)].copy()
    upper[-1] += _BROW_END * (template[corner] - upper[-1])
    return _evenly(upper, 5)


def _middles(template: Array, pairs: Sequence[tuple[int, int]]) -> Array:
    return np.array([(template[a] + template[b]) / 2 for a, b in pairs])


def _evenly(contour: Array, count: int) -> Array:
    """(count, 2) points at even distances along a smooth curve through (N, 2) points."""
    steps = np.hypot(*np.diff(contour, axis=0).T)
    kept = np.concatenate([[True], steps > 1e-6])
    contour = contour[kept]
    places = np.concatenate([[0], np.cumsum(steps[steps > 1e-6])])
    curve = CubicSpline(places, contour)
    dense = curve(np.linspace(0, places[-1], 200))
    lengths = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(dense, axis=0).T))])
    wanted = np.linspace(0, lengths[-1], count)
    return np.stack([np.interp(wanted, lengths, dense[:, axis]) for axis in (0, 1)], 1)
