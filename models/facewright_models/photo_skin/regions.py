"""How far the photo may be believed, texel by texel: 1 for skin that is well seen, 0 for everything else."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.look.surface import TexelMap, skin_surface
from facewright_models.parsing.classes import FaceClass
from facewright_models.photo_skin.projection import FRAME_PX, FacePhoto, Projection, Window, sampled
from facewright_models.rig import BakedRig, Character

__all__ = ["BEARDS", "believed", "fringe", "smooth_step"]

BEARDS = ("goatee", "full_beard", "short_beard", "moustache")
"""Facial hair that is drawn over the skin; stubble is not, it stays in the photo."""
_STRAND_PX = 1.5
_FEWEST_PX = 200
_SPREAD_FLOOR = 0.01
_TELL_APART = 4.0
_LIKE_HAIR = 0.4
_EYES = (slice(36, 42), slice(42, 48))
Array = NDArray[np.float32]


def believed(
    rig: BakedRig,
    character: Character,
    photo: FacePhoto,
    projection: Projection,
    texels: TexelMap,
    window: Window,
) -> Array:
    """(H, W) in [0, 1] over the window, smooth at its edges."""
    surface = skin_surface(rig)
    channels = ("scalp", "interior", "beard", "moustache")
    paint = sampled(
        texels, window, np.stack([surface.openness, *(surface.channel(name) for name in channels)], 1)
    )
    openness, scalp, interior, beard, moustache = np.moveaxis(paint, -1, 0)
    depth = sampled(texels, window, surface.rest)[..., 2]
    weight = projection.of_photo(_skin_in_photo(photo)[..., None])
    weight = weight * smooth_step(projection.facing, 0.18, 0.46)
    weight = weight * smooth_step(cv2.blur(projection.is_seen.astype(np.float32), (5, 5)), 0.4, 1.0)
    weight = weight * (1 - smooth_step(scalp, 0.10, 0.55)) * (interior < 0.3)
    weight = weight * smooth_step(openness, 0.30, 0.62) * smooth_step(depth, 0.015, 0.035)
    style = character.styles.get("facial_hair", "none")
    if style in BEARDS:
        worn = moustache if style == "moustache" else np.maximum(beard, moustache)
        weight = weight * (1 - smooth_step(cv2.GaussianBlur(worn, (0, 0), 5.0), 0.05, 0.45))
    return np.asarray(cv2.GaussianBlur(weight, (0, 0), 2.0) * (weight > 0.01), np.float32)


def smooth_step(value: NDArray[Any], low: float, high: float) -> Array:
    """0 below `low`, 1 above `high`, smooth between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _skin_in_photo(photo: FacePhoto) -> Array:
    """(FRAME_PX, FRAME_PX) how surely the photo shows bare skin or closed lips, away from what is none."""
    shares = cv2.resize(photo.probabilities, (FRAME_PX, FRAME_PX), interpolation=cv2.INTER_LINEAR)
    skin = shares[..., [FaceClass.FACE, FaceClass.NOSE, FaceClass.UPPER_LIP, FaceClass.LOWER_LIP]].sum(-1)
    result = smooth_step(skin, 0.55, 0.9)
    hair = (shares[..., FaceClass.HAIR] > 0.25) | fringe(photo, shares)
    result = result * smooth_step(_distance(hair), 7.0, 20.0)
    for classes, sure, near_px, far_px in (
        ((FaceClass.BACKGROUND,), 0.5, 3.0, 9.0),
        ((FaceClass.LEFT_BROW, FaceClass.RIGHT_BROW), 0.25, 4.0, 11.0),
        ((FaceClass.LEFT_EYE, FaceClass.RIGHT_EYE), 0.30, 2.0, 4.5),
        ((FaceClass.TEETH,), 0.35, 1.5, 4.0),
    ):
        away = _distance(shares[..., list(classes)].sum(-1) > sure)
        result = result * smooth_step(away, near_px, far_px)
    openings = np.zeros((FRAME_PX, FRAME_PX), np.uint8)
    for eye in _EYES:
        cv2.fillPoly(openings, [np.round(photo.marks[eye]).astype(np.int32)], 1)
    result = result * smooth_step(_distance(openings > 0), 2.0, 4.5)
    if photo.wears_glasses:
        result = result * smooth_step(_distance(_behind_glasses(photo.marks)), 2.0, 12.0)
    return np.asarray(result, np.float32)


def fringe(photo: FacePhoto, shares: Array) -> NDArray[np.bool_]:
    """(FRAME_PX, FRAME_PX) where the forehead has the colour of the hair: the parser takes fringes for skin.

    Hair and skin learn their colours from what the parser is sure of, cheeks and the hair elsewhere; where the two look
    alike, nothing is said (Fisher's discriminant on logarithms of colours).
    """
    small = cv2.resize(photo.pixels, (FRAME_PX, FRAME_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    colors = np.log(cv2.GaussianBlur(small, (0, 0), _STRAND_PX) + 4)
    rows, columns = np.indices((FRAME_PX, FRAME_PX), np.float32)
    eyes, mouth, brows = (
        float(photo.marks[part, 1].mean()) for part in (slice(36, 48), slice(48, 68), slice(17, 27))
    )
    middle = float(photo.marks[36:48, 0].mean())
    between = (rows > eyes) & (rows < mouth) & (np.abs(columns - middle) < 0.6 * (mouth - eyes))
    cheeks = colors[between & (shares[..., FaceClass.FACE] > 0.9)]
    hair = colors[shares[..., FaceClass.HAIR] > 0.85]
    nothing = np.zeros((FRAME_PX, FRAME_PX), bool)
    if min(len(cheeks), len(hair)) < _FEWEST_PX:
        return nothing
    apart = hair.mean(0) - cheeks.mean(0)
    spread = 0.5 * (np.cov(cheeks.T) + np.cov(hair.T)) + _SPREAD_FLOOR * np.eye(3)
    toward_hair = np.linalg.solve(spread, apart)
    distance = float(apart @ toward_hair)
    if distance < _TELL_APART:
        return nothing
    score = ((colors - cheeks.mean(0)) @ toward_hair) / distance  # 0 at the skin, 1 at the hair
    found = ((score > _LIKE_HAIR) & (rows < brows)).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)


def _behind_glasses(marks: NDArray[np.float64]) -> NDArray[np.bool_]:
    """A band over both eyes, as high as large frames are and out to the temples."""
    left, right = marks[42:48].mean(0), marks[36:42].mean(0)
    along = left - right
    ocular = float(np.linalg.norm(along))
    along /= ocular
    down = np.array([-along[1], along[0]])
    middle = (left + right) / 2
    corners = [
        middle + ocular * (x * along + y * down)
        for x, y in ((-1.25, -0.42), (1.25, -0.42), (1.25, 0.50), (-1.25, 0.50))
    ]
    band = np.zeros((FRAME_PX, FRAME_PX), np.uint8)
    cv2.fillPoly(band, [np.round(corners).astype(np.int32)], 1)
    return np.asarray(band > 0)


def _distance(mask: NDArray[np.bool_]) -> Array:
    """Pixels to the mask."""
    if not mask.any():
        return np.full(mask.shape, 1e6, np.float32)
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5), np.float32)
