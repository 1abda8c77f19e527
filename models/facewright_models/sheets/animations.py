"""A sheet of photos whose faces take on expressions: a row for each person, a column for each degree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import InvalidInputError, NoFaceError, UnknownParameterError
from facewright_models.expression.animator import Animator
from facewright_models.expression.moods import MOODS
from facewright_models.landmarks.closer.model import cut
from facewright_models.landmarks.crops import crop_of_points
from facewright_models.landmarks.network import CROP_PX
from facewright_models.photo import Photo
from facewright_models.sheets.grid import captioned, tile_grid

__all__ = ["SHOWN", "animations_sheet"]

Pixels = NDArray[np.uint8]

_TILE_PX = 224


def _eyes(opening: float) -> dict[str, float]:
    return {"left_eye": opening, "right_eye": opening}


SHOWN: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "smile": {f"smile {degree:g}": {"smile": degree} for degree in (0.0, 0.25, 0.5, 0.75, 1.0)},
    "eyes": {f"eyes {degree:g}": _eyes(degree) for degree in (1.3, 0.75, 0.5, 0.25, 0.0)},
    "brows": {
        "frown 1": {"frown": 1.0},
        "frown 0.5": {"frown": 0.5},
        "raised 0.33": {"brow_raise": 0.33},
        "raised 0.67": {"brow_raise": 0.67},
        "raised 1": {"brow_raise": 1.0},
    },
    "mouth": {
        "jaw 0.4": {"jaw": 0.4},
        "jaw 0.9": {"jaw": 0.9},
        "laugh": {"smile": 0.9, "jaw": 0.5},
        "corners down": {"sad": 1.0},
        "nose": {"nose_wrinkle": 1.0},
    },
    "moods": {name: MOODS[name] for name in ("serious", "sad", "crying", "surprised", "angry")},
}
"""What a sheet shows, column by column beside the photo."""


def animations_sheet(photos: Sequence[Photo], shown: str, *, animator: Animator | None = None) -> Pixels:
    """The photo and five frames of each person, cut to the face; photos without a face are left out.

    Raises UnknownParameterError, InvalidInputError where no photo shows a face.
    """
    if shown not in SHOWN:
        raise UnknownParameterError(f"no sheet shows '{shown}'; there are: {', '.join(SHOWN)}", field="show")
    animator = animator or Animator.load()
    tiles: list[Pixels] = []
    for photo in photos:
        try:
            face = animator.open(photo)
        except NoFaceError:
            continue
        place = crop_of_points(face.points[:68])
        place[:, :2] *= CROP_PX / _TILE_PX
        tiles.append(captioned(cut(photo.pixels, place, _TILE_PX), "photo"))
        tiles += [
            captioned(cut(face.frame(degrees), place, _TILE_PX), caption)
            for caption, degrees in SHOWN[shown].items()
        ]
    if not tiles:
        raise InvalidInputError("none of the photos shows a face", field="photos")
    return tile_grid(tiles, columns=1 + len(SHOWN[shown]), tile_px=_TILE_PX)
