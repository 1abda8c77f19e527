"""The skin's small relief and how it shines, as textures for engines that light every pixel.

Our own frames are lit at the vertices and show pores and lines by their colour; an engine gets their slopes as well.

H, W: height and width of the texture, row 0 at the top.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from facewright_models.look.skin_texture import SkinMarks, SkinPaint, Spot, skin_marks
from facewright_models.look.surface import skin_surface, texel_map
from facewright_models.rig import BakedRig

__all__ = ["SKIN_ROUGHNESS", "normal_texture", "roughness_texture"]

SKIN_ROUGHNESS = 0.62
_PORE_METRES, _LIP_CREASE_METRES, _LINE_METRES, _LEAST_LINE = 0.00006, 0.00020, 0.00045, 0.08
_STEEPEST = 0.8
_SMOOTH_TEXELS = 0.7
_TEXEL_METRES = (5e-5, 4e-3)
"""What a texel of a real island measures; seams of the texture lie further apart, gaps nowhere."""
_SHINY, _LIPS, _WET, _ROUGH_PORES, _POWDER, _GLOSS = 0.12, 0.42, 0.25, 0.05, 0.08, 0.12
Array = NDArray[np.float32]


def normal_texture(rig: BakedRig, paint: SkinPaint, *, size_px: int) -> NDArray[np.uint8]:
    """(H, W, 3) normals in tangent space, x along u, y upwards in the picture; 128, 128, 255 is flat."""
    marks, (width, height) = skin_marks(rig, size_px), _texel_metres(rig, size_px)
    depth = _PORE_METRES * (1 - 0.5 * paint.make_up.evenness) * marks.pores
    depth = depth - _LINE_METRES * max(_LEAST_LINE, paint.age) * _field(marks, marks.lines)
    depth = depth - _LIP_CREASE_METRES * _field(marks, marks.lip_creases)
    depth = gaussian_filter(depth, _SMOOTH_TEXELS, mode=("nearest", "wrap"))
    right = (np.roll(depth, -1, 1) - np.roll(depth, 1, 1)) / (2 * width)
    up = -np.gradient(depth, axis=0) / height
    slope = np.clip(np.stack([-right, -up], -1), -_STEEPEST, _STEEPEST)
    normals = np.concatenate([slope, np.ones_like(slope[..., :1])], -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.asarray(np.round(127.5 * normals + 127.5), np.uint8)


def roughness_texture(rig: BakedRig, paint: SkinPaint, *, size_px: int) -> NDArray[np.uint8]:
    """(H, W) roughness times 255: less on forehead and nose, lips and the inside of the mouth, more under powder."""
    marks = skin_marks(rig, size_px)
    made, lips = paint.make_up, _field(marks, marks.lip)
    skin = SKIN_ROUGHNESS - _SHINY * (1 - made.evenness) * _shiny(rig, size_px)
    skin = skin + _POWDER * made.evenness - _ROUGH_PORES * marks.pores
    result = skin + (_LIPS - _GLOSS * made.lip_strength - skin) * lips
    result = result + (_WET - result) * _field(marks, marks.interior)
    return np.asarray(np.round(255 * np.clip(result, 0, 1)), np.uint8)


def _field(marks: SkinMarks, spot: Spot) -> Array:
    """(H, W) a spot as a whole field."""
    field = np.zeros(marks.pores.shape, np.float32)
    field.ravel()[spot.texels] = spot.weights
    return field


@lru_cache(maxsize=2)
def _texel_metres(rig: BakedRig, size_px: int) -> tuple[Array, Array]:
    """(H, W) each: how far it is from a texel to the next along u and along v; endless where it is not skin."""
    place = texel_map(rig, size_px).sample(skin_surface(rig).rest)
    across = np.linalg.norm(np.roll(place, -1, 1) - np.roll(place, 1, 1), axis=-1) / 2
    down = np.linalg.norm(np.gradient(place, axis=0), axis=-1)
    low, high = _TEXEL_METRES
    return tuple(  # type: ignore[return-value]
        np.where(distance < high, np.maximum(distance, low), np.inf).astype(np.float32)
        for distance in (across, down)
    )


@lru_cache(maxsize=2)
def _shiny(rig: BakedRig, size_px: int) -> Array:
    """(H, W) in [0, 1] where skin is oily: the middle of the forehead, the nose, the chin."""
    place = texel_map(rig, size_px).sample(skin_surface(rig).rest)
    x, y = place[..., 0], place[..., 1]
    front = np.clip((place[..., 2] - 0.02) / 0.04, 0, 1)
    places = (
        (0.052, 0.030, 0.016),
        (-0.022, 0.013, 0.030),
        (-0.090, 0.016, 0.010),
    )  # y, and the reach in x and y
    zone = sum(
        np.exp(-((x / reach_x) ** 2) - ((y - middle) / reach_y) ** 2) for middle, reach_x, reach_y in places
    )
    return np.asarray(np.clip(zone, 0, 1) * front, np.float32)
