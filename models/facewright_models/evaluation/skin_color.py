"""How far the colour of a character's skin is from the photo's: CIEDE2000 at cheeks and forehead.

Photo and frame are aligned alike and lit each by its own light; what remains is what a player sees side by side.
Source: Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula" (2005).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

from facewright_models.evaluation.table import Row
from facewright_models.landmarks import detect_faces

__all__ = ["SkinDifference", "skin_color_rows", "skin_difference"]

Pixels = NDArray[np.uint8]
_RADIUS = 0.12
_FOREHEAD = 0.62
"""From between the brows upwards, as all of this, over the distance of the eyes."""
_HIDDEN = 22.0
"""Steps of lightness that the forehead is darker than the cheeks where hair covers it."""
_MEDIAN_BAR, _GAP_BAR = 6.0, 2.0

SkinDifference = tuple[float, float]
"""CIEDE2000, and the lightness (L* of 100) of the photo's skin."""


def skin_difference(photo: Pixels, render: Pixels) -> SkinDifference | None:
    """Of two pictures (H, W, 3) sRGB of a face; None where one shows none."""
    seen, shown = _patches(photo), _patches(render)
    if seen is None or shown is None:
        return None
    cheeks = seen[:2].mean(0)
    used = slice(0, 3 if seen[2, 0] > cheeks[0] - _HIDDEN else 2)
    difference = float(deltaE_ciede2000(seen[used].mean(0), shown[used].mean(0)))
    return difference, float(seen[used, 0].mean())


def skin_color_rows(found: Sequence[SkinDifference | None]) -> list[Row]:
    """The median, and how much the darker half of the people differs from the lighter one."""
    known = np.array([each for each in found if each is not None])
    if len(known) < 2:
        return []
    difference, lightness = known.T
    is_dark = lightness < np.median(lightness)
    medians = [float(np.median(difference[half])) for half in (is_dark, ~is_dark)]
    return [
        Row(
            name="skin against the photo's, CIEDE2000, median",
            measured=float(np.median(difference)),
            n=len(known),
            bar=_MEDIAN_BAR,
            lower_is_better=True,
        ),
        Row(
            name="the same: darker half against lighter half",
            measured=abs(medians[0] - medians[1]),
            n=len(known),
            bar=_GAP_BAR,
            lower_is_better=True,
            note=f"{medians[0]:.1f} and {medians[1]:.1f}",
        ),
    ]


def _patches(pixels: Pixels) -> NDArray[np.float64] | None:
    """(3, 3) L*a*b* medians of both cheeks and the forehead."""
    faces = detect_faces(pixels)
    if not faces:
        return None
    marks = faces[0].landmarks_px
    eyes = marks[42:48].mean(0) - marks[36:42].mean(0)
    distance = float(np.linalg.norm(eyes))
    up = np.array([eyes[1], -eyes[0]]) / distance
    between = marks[[21, 22]].mean(0)
    centers = (
        0.5 * (marks[2] + marks[31]),
        0.5 * (marks[14] + marks[35]),
        between + _FOREHEAD * distance * up,
    )
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    result = []
    for x, y in centers:
        inside = (columns - x) ** 2 + (rows - y) ** 2 <= (_RADIUS * distance) ** 2
        if not inside.any():
            return None
        result.append(np.median(rgb2lab(pixels[inside] / 255.0), axis=0))
    return np.array(result)
