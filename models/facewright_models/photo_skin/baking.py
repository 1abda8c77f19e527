"""A person's skin as the texture of their character.

Where the photo shows skin it is taken, freed of its light; where it does not, the other side of the face is; where that
is hidden too, the procedural skin, in the tone of what is around. Everything is blended in logarithms of light, so that
tones meet without a seam and pores stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.look.own_skin import bare_paint, tinted
from facewright_models.look.skin import skin_paint
from facewright_models.look.skin_texture import paint_skin, skin_marks
from facewright_models.look.surface import skin_surface, texel_map
from facewright_models.photo_skin.projection import (
    WINDOW_WIDTH,
    FacePhoto,
    face_window,
    project_texels,
    sampled,
)
from facewright_models.photo_skin.regions import believed, smooth_step
from facewright_models.photo_skin.relighting import averaged, flattened_light, without_shine
from facewright_models.rig import SKIN_TEXTURE_PX, BakedRig, Character

__all__ = ["bake_skin", "filled"]

_GAMMA = 2.2
_DARKEST = 0.004
_TONE = 0.020
_FAR, _MARGIN = 0.16, 0.05
_STRANGE = 0.55
_TOO_SHINY = (0.28, 0.60)
_SHADE = 0.7  # of the shade that the look puts into folds, as much as photos have
Array = NDArray[np.float32]


def _go_on() -> None:
    """The default between two parts."""


def bake_skin(
    rig: BakedRig,
    character: Character,
    photo: FacePhoto,
    *,
    size_px: int = SKIN_TEXTURE_PX,
    check: Callable[[], None] = _go_on,
) -> NDArray[np.uint8]:
    """(size_px, size_px, 3) the skin of a complete character, coded with the exponent 1/2.2 like every skin here.

    It has no light, no make-up but what the photo shows, no scalp hair and no shade of a beard that is worn as a style:
    the look puts those on. A few seconds; `check` is called between the parts, and what it raises ends the bake.
    """
    texels, window = texel_map(rig, size_px), face_window(size_px)
    marks, paint = skin_marks(rig, size_px), skin_paint(character)
    procedural = paint_skin(marks, bare_paint(paint))
    check()
    projection = project_texels(rig, character, photo, texels, window)
    check()
    weight = believed(rig, character, photo, projection, texels, window)
    check()
    log_skin = _log(procedural[window.rows, window.columns].astype(np.float32) / 255)
    surface = skin_surface(rig)
    own = sampled(texels, window, np.stack([surface.openness, surface.channel("lip")], 1))
    lip = cv2.GaussianBlur(own[..., 1], (0, 0), 3.0)
    even = 1 - smooth_step(lip, 0.02, 0.2)
    matt, shine = without_shine(_linear(projection.of_photo(photo.pixels) / 255), weight * even, even)
    weight = weight * (1 - smooth_step(cv2.GaussianBlur(shine, (0, 0), 6.0), *_TOO_SHINY))
    shade = _SHADE * np.log(0.30 + 0.70 * np.clip(own[..., :1], 0.4, 1))
    log_photo = np.log(np.maximum(matt, _DARKEST)) - shade
    flat = flattened_light(log_photo, log_skin, projection.normals, weight, even)
    check()
    ratio = _toned(flat - log_skin, weight, even, lip)
    completed = filled(ratio, weight * _ordinary(ratio, weight, even))
    result = procedural.astype(np.float32) / 255
    result[window.rows, window.columns] = np.power(np.exp(log_skin + completed), 1 / _GAMMA)
    toned = tinted(marks, np.ascontiguousarray(result.reshape(-1, 3).T), paint).T.reshape(result.shape)
    return np.asarray(np.clip(255 * toned + 0.5, 0, 255), np.uint8)


def _toned(ratio: Array, weight: Array, even: Array, lip: Array) -> Array:
    """The photo over the procedural skin (logarithms), so moved that skin and lips have the character's colours."""
    own = weight * even + 1e-9
    ratio = ratio - np.array(
        [np.average(ratio[..., channel], weights=own) for channel in range(3)], np.float32
    )
    lips = weight * (lip > 0.6)
    if lips.sum() > 50:
        off = np.array([np.average(ratio[..., channel], weights=lips) for channel in range(3)])
        ratio = ratio - smooth_step(lip, 0.1, 0.7)[..., None] * np.clip(off, -0.35, 0.35).astype(np.float32)
    return np.asarray(ratio, np.float32)


def _ordinary(ratio: Array, weight: Array, even: Array) -> Array:
    """(H, W) 0 where the photo differs from its surroundings as skin never does: strands, nostrils, reflections."""
    bright = ratio.mean(-1, keepdims=True)
    around = averaged(bright, weight * even, 0.03 * ratio.shape[1])
    off = cv2.GaussianBlur((bright - around)[..., 0] * (weight > 0.02), (0, 0), 1.0)
    strange = ((np.abs(off) > _STRANGE) & (even > 0.5)).astype(np.uint8)
    grown = cv2.dilate(strange, np.ones((5, 5), np.uint8)).astype(np.float32)
    return np.asarray(1 - cv2.GaussianBlur(grown, (0, 0), 2.0), np.float32)


def filled(ratio: Array, weight: Array) -> Array:
    """(H, W, 3) the photo's ratio where it is believed, the mirrored one next, then its tone, which fades away."""
    size = ratio.shape[1] / WINDOW_WIDTH
    mirrored, mirror_weight = ratio[:, ::-1], weight[:, ::-1]
    known = np.maximum(weight, 0.6 * mirror_weight)
    share = (weight / np.maximum(weight + (1 - weight) * mirror_weight, 1e-6))[..., None]
    tone_of_own = averaged(ratio, weight, _TONE * size)
    tone_of_mirror = averaged(mirrored, mirror_weight, _TONE * size)
    joined = share * ratio + (1 - share) * (
        mirrored - tone_of_mirror + tone_of_own * 0.5 + tone_of_mirror * 0.5
    )
    union = np.asarray(1 - (1 - weight) * (1 - mirror_weight), np.float32)
    tone = averaged(joined, union, _TONE * size)
    far = cv2.GaussianBlur(
        cv2.dilate((known > 0.3).astype(np.float32), np.ones((9, 9))), (0, 0), 0.25 * _FAR * size
    )
    height, width = weight.shape
    inside = _inside(height, width, round(_MARGIN * size))
    fading = np.asarray(smooth_step(far, 0.0, 0.5) * inside, np.float32)[..., None]
    inner = union[..., None]
    return np.asarray(inner * joined + (1 - inner) * tone * fading, np.float32)


def _inside(height: int, width: int, margin_px: int) -> Array:
    """(height, width) 1 inside, down to 0 at the border."""
    rows, columns = np.indices((height, width))
    away = np.minimum.reduce([rows, height - 1 - rows, columns, width - 1 - columns])
    return smooth_step(away, 0, margin_px)


def _linear(shown: NDArray[Any]) -> Array:
    return np.asarray(np.power(shown, np.float32(_GAMMA)), np.float32)


def _log(shown: NDArray[Any]) -> Array:
    """Of display values: the logarithm of the linear ones."""
    return np.asarray(np.log(np.maximum(_linear(shown), _DARKEST)), np.float32)
