"""The regions of a face that expressions change, found from key points: each half of the face, mouth and eyes.

The lower half ends below the eyes and the upper one above the mouth, so that neither learns what belongs to the other.

Source: seed 000 [0075]: images of facial regions from eye, mouth, brow and forehead key points. The upper half holds
forehead and brows, the lower one nose, cheeks and chin; mouth and eyes are seen larger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from facewright_models.landmarks.closer.windows import Window, window_of
from facewright_models.landmarks.crops import apply, inverse

__all__ = ["HALVES", "Half", "Region", "between", "contours", "region_of"]

Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Region:
    """A window with its side in pixels and the open and closed contours that are drawn for its network."""

    window: Window
    side_px: int
    contours: tuple[tuple[tuple[int, ...], ...], ...]


@dataclass(frozen=True, kw_only=True)
class Half:
    """A half of the face: the region that moves as a whole, those that are seen closer, what acts there, and the
    landmarks that move with it; `has_lids` where eyes are among these.
    """

    coarse: Region
    fine: Mapping[str, Region]
    degrees: tuple[str, ...]
    moving: tuple[int, ...]
    has_lids: bool


def _ring(first: int, last: int) -> tuple[int, ...]:
    return (*range(first, last), first)


_RIGHT_EYE = Region(
    window=Window(points=tuple(range(68)), about=tuple(range(36, 42)), above=0.12, side=1.0),
    side_px=96,
    contours=((_ring(36, 42),), (tuple(range(17, 22)),)),
)
_LEFT_EYE = Region(
    window=replace(_RIGHT_EYE.window, about=tuple(range(42, 48)), is_mirrored=True),
    side_px=96,
    contours=((_ring(42, 48),), (tuple(range(22, 27)),)),
)
_MOUTH = Region(
    window=Window(points=tuple(range(68)), about=tuple(range(48, 60)), above=0.05, side=1.5),
    side_px=128,
    contours=((_ring(48, 60),), (_ring(60, 68), tuple(range(31, 36)))),
)

HALVES: Mapping[str, Half] = {
    "lower": Half(
        coarse=Region(
            window=Window(points=tuple(range(68)), about=tuple(range(48, 60)), above=-0.25, side=2.2),
            side_px=96,
            contours=((_ring(48, 60),), (tuple(range(2, 15)), tuple(range(31, 36)))),
        ),
        fine={"mouth": _MOUTH},
        degrees=("smile", "sad", "jaw", "nose_wrinkle"),
        moving=(*range(2, 15), *range(31, 36), *range(48, 68)),
        has_lids=False,
    ),
    "upper": Half(
        coarse=Region(
            window=Window(points=tuple(range(68)), about=tuple(range(36, 48)), above=0.55, side=2.2),
            side_px=96,
            contours=((_ring(36, 42), _ring(42, 48)), (tuple(range(17, 22)), tuple(range(22, 27)))),
        ),
        fine={"right_eye": _RIGHT_EYE, "left_eye": _LEFT_EYE},
        degrees=("right_eye", "left_eye", "brow_raise", "frown"),
        moving=(*range(17, 27), 37, 38, 40, 41, 43, 44, 46, 47),
        has_lids=True,
    ),
}


def region_of(points: Float64[np.ndarray, "K 2"], region: Region) -> Matrix:
    """`photo_from_region` (2, 3) of a face with at least the 68 points."""
    return window_of(points, region.window, region.side_px)


def between(inner: Matrix, inner_px: int, outer: Matrix, outer_px: int) -> Matrix:
    """(2, 3): places in one region to those in another, both from -1 to 1 across."""
    outer_from_inner = np.eye(3)
    outer_from_inner[:2] = np.concatenate([inverse(outer), [[0, 0, 1]]])[:2] @ np.concatenate(
        [inner, [[0, 0, 1]]]
    )
    return np.asarray((_normal(outer_px) @ outer_from_inner @ np.linalg.inv(_normal(inner_px)))[:2])


def contours(
    points: Float64[np.ndarray, "K 2"], photo_from_region: Matrix, region: Region
) -> NDArray[np.float32]:
    """(S, S, 2): two drawings of soft lines through key points, from 0 to 1."""
    placed = apply(inverse(photo_from_region), np.asarray(points[:68]))
    drawings = np.zeros((region.side_px, region.side_px, len(region.contours)), np.float32)
    for index, lines in enumerate(region.contours):
        drawing = np.zeros((region.side_px, region.side_px), np.uint8)
        for line in lines:
            cv2.polylines(
                drawing, [np.round(16 * placed[list(line)]).astype(np.int32)], False, 255, 1, cv2.LINE_AA, 4
            )
        drawings[..., index] = cv2.GaussianBlur(drawing, (0, 0), 1.2) / np.float32(127)
    return np.minimum(drawings, np.float32(1))


def _normal(side_px: int) -> Matrix:
    """(3, 3): pixels whose centres are whole numbers -> from -1 to 1 across."""
    return np.array([[2 / side_px, 0, 1 / side_px - 1], [0, 2 / side_px, 1 / side_px - 1], [0, 0, 1]])
