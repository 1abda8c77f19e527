"""A character's own skin, as a photo showed it, with what the character wears on top.

The file has the colours that the character had when it was made. Skin and lips still follow the character's colours:
the whole is tinted by how far its mean lies from that of the skin which would be painted. Freckles, flush, lines and
shadows under the eyes are in the photo; their sliders paint nothing a second time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.look.skin_texture import (
    MakeUp,
    SkinMarks,
    SkinPaint,
    coded_texels,
    cover,
    display_coded,
    paint_skin,
    put_on,
    stubble_shade,
)

__all__ = ["bare_paint", "dress_own_skin", "tinted"]

_FACE_ROWS, _FACE_COLUMNS = (0.16, 0.58), (0.26, 0.74)
_SAME = 0.015
_SHAVED = 0.45
"""A beard shade under this is stubble, which the photo has."""
Array = NDArray[np.floating[Any]]


def bare_paint(paint: SkinPaint) -> SkinPaint:
    """The same skin without make-up, the shade of shaved hair and the hair's colour on the scalp."""
    return replace(paint, make_up=MakeUp(), beard_stubble=0.0, moustache_stubble=0.0, scalp=0.0)


def dress_own_skin(marks: SkinMarks, paint: SkinPaint, own: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) as `paint_skin` gives it, from the own skin at any size."""
    shape = marks.pores.shape
    if own.shape[:2] != shape:
        own = np.asarray(cv2.resize(own, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.uint8)
    color = tinted(marks, _planes(own), paint)
    made = paint.make_up
    put_on(color, marks, made)
    cover(color, marks.lip, display_coded(made.lips), 0.92 * made.lip_strength)
    if paint.beard_stubble > _SHAVED or paint.moustache_stubble > paint.beard_stubble:
        stubble_shade(color, marks, paint)
    cover(color, marks.scalp, display_coded(paint.hair) * 0.9, paint.scalp)
    return coded_texels(color, marks)


def tinted(marks: SkinMarks, color: Array, paint: SkinPaint) -> Array:
    """Texels (3, H * W) in display values, moved so that skin and lips have on the mean the colours of `paint`."""
    target = _planes(paint_skin(marks, bare_paint(paint)))
    face = _face_weights(marks)
    tint = _tint(target, color, face)
    color = color * tint
    lips = np.zeros(color.shape[1], np.float32)
    lips[marks.lip.texels] = marks.lip.weights
    of_lips = _tint(target, color, lips * (lips > 0.5))
    return np.asarray(color * (1 + lips * (of_lips - 1)), np.float32)


def _tint(target: Array, color: Array, weights: Array) -> Array:
    """(3, 1) what takes the one mean to the other; 1 where it is already there to the precision of a file."""
    wanted, found = (np.average(texels, axis=1, weights=weights + 1e-12) for texels in (target, color))
    tint = (wanted / np.maximum(found, 1e-3)).astype(np.float32)[:, None]
    return np.ones((3, 1), np.float32) if np.abs(tint - 1).max() < _SAME else tint


def _planes(texture: NDArray[np.uint8]) -> Array:
    """(H, W, 3) -> (3, H * W) in display values."""
    return np.ascontiguousarray(texture.reshape(-1, 3).T, np.float32) / np.float32(255)


def _face_weights(marks: SkinMarks) -> Array:
    """(H * W,) the middle of the face without its lips."""
    height, width = marks.pores.shape
    weights = np.zeros((height, width), np.float32)
    (top, bottom), (left, right) = _FACE_ROWS, _FACE_COLUMNS
    weights[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = 1
    flat = weights.ravel()
    flat[marks.lip.texels] = 0
    return flat
