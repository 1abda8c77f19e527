"""A contact sheet of parsed photos: each photo beside its label map."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from facewright_models.errors import InvalidInputError
from facewright_models.landmarks import detect_faces
from facewright_models.parsing import (
    CLASS_COLORS,
    FaceClass,
    ParsingNetwork,
    crop_similarity,
    parse_photo,
    warp_crop,
)
from facewright_models.photo import Photo, decode_photo

__all__ = ["label_overlay", "parsing", "parsing_sheet"]

_Pixels = npt.NDArray[np.uint8]

_SHOWN_SCALE = 0.72  # of the canonical crop: the head with its surroundings


def parsing(photos: Sequence[Path], *, columns: int = 4) -> _Pixels:
    """The sheet of image files; raises what `decode_photo` raises for one that is no image."""
    return parsing_sheet([decode_photo(path.read_bytes()) for path in photos], columns=columns)


def parsing_sheet(
    photos: Sequence[Photo], *, cell_px: int = 256, columns: int = 4, network: ParsingNetwork | None = None
) -> _Pixels:
    """One picture (rows * cell, columns * 2 * cell, 3) uint8: photo | overlay, again and again.

    Shown is the largest face with its surroundings. A photo without a face shows twice, crossed out.
    Raises InvalidInputError for an empty list.
    """
    if not photos:
        raise InvalidInputError("a contact sheet needs at least one photo, got none")
    cells = [_cell(photo, cell_px, network) for photo in photos]
    blank = np.zeros_like(cells[0])
    cells += [blank] * (-len(cells) % columns)
    return np.vstack([np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)])


def label_overlay(pixels: _Pixels, labels: _Pixels, *, opacity: float = 0.55) -> _Pixels:
    """The photo (H, W, 3) with its classes in colour; background is darkened instead."""
    colors = CLASS_COLORS[np.minimum(labels, len(CLASS_COLORS) - 1)].astype(np.float32)
    mixed = pixels * (1 - opacity) + colors * opacity
    mixed = np.where((labels == FaceClass.BACKGROUND)[..., None], pixels * 0.35, mixed)
    return mixed.round().astype(np.uint8)


def _cell(photo: Photo, size: int, network: ParsingNetwork | None) -> _Pixels:
    pixels = photo.pixels
    faces = detect_faces(pixels)
    if not faces:
        crossed = pixels.copy()
        height, width = crossed.shape[:2]
        cv2.line(crossed, (0, 0), (width, height), (255, 0, 0), max(2, width // 100))
        return np.hstack([_fit(pixels, size), _fit(crossed, size)])
    points = faces[0].landmarks_px
    overlay = label_overlay(pixels, parse_photo(photo, landmarks_px=points, network=network))
    transform = crop_similarity(points, scale=_SHOWN_SCALE)
    return np.hstack(
        [
            _fit(warp_crop(picture, transform, border=cv2.BORDER_CONSTANT), size)
            for picture in (pixels, overlay)
        ]
    )


def _fit(pixels: _Pixels, size: int) -> _Pixels:
    """Shrunk or enlarged to fit a square, centred on black."""
    height, width = pixels.shape[:2]
    scale = size / max(height, width)
    shape = (max(1, round(width * scale)), max(1, round(height * scale)))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(pixels, shape, interpolation=interpolation)
    cell = np.zeros((size, size, 3), np.uint8)
    top, left = (size - shape[1]) // 2, (size - shape[0]) // 2
    cell[top : top + shape[1], left : left + shape[0]] = resized
    return cell
