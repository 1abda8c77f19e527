"""A sheet of faces with their points drawn: marked by people in green, by a model in red."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.landmarks import detect_faces
from facewright_models.landmarks.crops import apply, crop_of_points, inverse
from facewright_models.landmarks.network_model import LandmarkNetworkModel
from facewright_models.landmarks.types import LANDMARK_COUNT
from facewright_models.photo import Photo
from facewright_models.sheets.grid import captioned, tile_grid

__all__ = ["face_tile", "landmarks_sheet"]

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

_TILE_PX = 320
_GREEN, _RED = (60, 230, 60), (255, 60, 40)


def landmarks_sheet(
    photos: Sequence[Photo], *, columns: int = 6, model: LandmarkNetworkModel | None = None
) -> Pixels:
    """One tile for every face that is found in the photos; those without any are left out."""
    model = model or LandmarkNetworkModel()
    tiles = []
    for photo in photos:
        for face in detect_faces(photo.pixels, landmark_model=model):
            marked = model.mark(photo.pixels, crop_of_points(face.landmarks_px))
            tiles.append(face_tile(photo.pixels, marked.points_px))
    return tile_grid(
        tiles or [np.full((_TILE_PX, _TILE_PX, 3), 128, np.uint8)], columns=columns, tile_px=_TILE_PX
    )


def face_tile(pixels: Pixels, points: Points, *, truth: Points | None = None, caption: str = "") -> Pixels:
    """The face cut out upright, with points (K, 2) in red over the truth in green."""
    photo_from_tile = crop_of_points((points if truth is None else truth)[:LANDMARK_COUNT])
    photo_from_tile[:, :2] *= 128 / _TILE_PX
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    tile = cv2.warpAffine(pixels, photo_from_tile, (_TILE_PX, _TILE_PX), flags=flags)
    for shown, color in ((truth, _GREEN), (points, _RED)):
        if shown is not None:
            for x, y in apply(inverse(photo_from_tile), shown):
                cv2.circle(tile, (round(16 * x), round(16 * y)), 24, color, -1, cv2.LINE_AA, 4)
    return (
        captioned(np.asarray(tile, dtype=np.uint8), caption) if caption else np.asarray(tile, dtype=np.uint8)
    )
