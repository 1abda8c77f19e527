"""Vertex colours of a character: its colours and styles, mixed by the rig's paint and occlusion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig import BakedRig, Character, Color, RigPart
from facewright_models.rig.parts import PAINT_CHANNELS

__all__ = ["part_colors", "srgb_to_linear"]

Array = NDArray[np.float32]

_SCLERA = (0.86, 0.83, 0.80)
_TEETH = (0.90, 0.87, 0.80)
_TONGUE = (0.62, 0.33, 0.31)
_MOUTH = (0.28, 0.11, 0.10)
_STUBBLE = {"stubble": 0.42, "goatee": 0.10, "full_beard": 0.75, "short_beard": 0.62}
_MOUSTACHE_STUBBLE = {**_STUBBLE, "moustache": 0.35, "goatee": 0.35}
_SCALP = {"bald": 0.0, "buzz": 0.75}
_SHADED_BY_HAIR = ("skin", "eye_left", "eye_right")


def srgb_to_linear(color: Color | NDArray[np.float64]) -> Array:
    """sRGB in [0,1] -> linear, elementwise, with the exponent 2.2 that the renderer's output uses."""
    return np.power(np.asarray(color, np.float32), np.float32(2.2))


def part_colors(rig: BakedRig, part: RigPart, character: Character) -> Array:
    """(N, 3) linear colours of a part's vertices. The character must be complete (validated)."""
    paint = {name: rig.paint[part.vertices, i, None] for i, name in enumerate(PAINT_CHANNELS)}
    openness = rig.occlusion[part.vertices, None] * _left_by_hair(rig, part, character)
    if part.name.startswith("eye_"):
        return _eye(paint, openness, character)
    if part.name.startswith("lashes"):
        return _lashes(openness, character)
    if part.name.endswith("teeth"):
        return _flat(srgb_to_linear(_TEETH), openness**1.5)
    if part.name == "tongue":
        return _flat(srgb_to_linear(_TONGUE), openness**1.5)
    if part.style is not None and part.style[0] == "brows":
        return _brow(part.tangents is not None, paint["strand"], openness, character)
    if part.style is not None:
        return _hair(paint["strand"], openness, character)
    return _skin(paint, openness, character)


def _skin(paint: Mapping[str, Array], openness: Array, character: Character) -> Array:
    colors = {name: srgb_to_linear(rgb) for name, rgb in character.colors.items()}
    skin = np.broadcast_to(colors["skin"], (len(openness), 3)).astype(np.float32)
    flush = np.array([1.04, 0.86, 0.86], np.float32)
    skin = _mix(skin, skin * flush, paint["blush"])
    skin = _mix(skin, skin * np.array([0.86, 0.78, 0.76], np.float32), paint["eyelid"])
    skin = _mix(skin, colors["lips"], 0.9 * paint["lip"])
    shadow = 0.35 * colors["hair"] + 0.65 * skin * np.array([0.55, 0.55, 0.58], np.float32)
    stubble = _STUBBLE.get(character.styles["facial_hair"], 0.0)
    moustache = _MOUSTACHE_STUBBLE.get(character.styles["facial_hair"], 0.0)
    skin = _mix(skin, shadow, stubble * paint["beard"])
    skin = _mix(skin, shadow, moustache * paint["moustache"])
    skin = _mix(skin, colors["hair"], _SCALP.get(character.styles["hair"], 0.93) * paint["scalp"])
    skin = _mix(skin, srgb_to_linear(_MOUTH), paint["interior"])
    return skin * (0.30 + 0.70 * openness)


def _eye(paint: Mapping[str, Array], openness: Array, character: Character) -> Array:
    white = np.broadcast_to(srgb_to_linear(_SCLERA), (len(openness), 3)).astype(np.float32)
    iris = srgb_to_linear(character.colors["iris"])
    color = _mix(white, iris, paint["iris"])
    color = _mix(color, iris * 0.35, paint["limbus"])
    color = _mix(color, np.full(3, 0.004, np.float32), paint["pupil"])
    return color * (0.25 + 0.75 * openness)


def _hair(strand: Array, openness: Array, character: Character) -> Array:
    color: Array = (
        srgb_to_linear(character.colors["hair"]) * (0.45 + 1.10 * strand) * (0.25 + 0.75 * openness)
    )
    return color


def _brow(hairs: bool, strand: Array, openness: Array, character: Character) -> Array:
    """The hairs, or the shade under them, whose strength is `strand`."""
    skin, brows = (srgb_to_linear(character.colors[name]) for name in ("skin", "brows"))
    if hairs:
        color: Array = (0.88 * brows + 0.12 * skin) * (0.60 + 0.80 * strand) * openness
    else:
        color = _mix(skin * (0.30 + 0.70 * openness), 0.85 * brows + 0.15 * skin, strand)
    return color


def _lashes(openness: Array, character: Character) -> Array:
    """Darker than the hair, and never as light as blond hair."""
    hair = np.minimum(srgb_to_linear(character.colors["hair"]), np.float32(0.10))
    return hair * np.float32(0.35) * openness


def _left_by_hair(rig: BakedRig, part: RigPart, character: Character) -> Array:
    """(N, 1) share of the light that the character's hair leaves to skin and eyes."""
    left = np.ones((part.vertices.stop - part.vertices.start, 1), np.float32)
    if part.name in _SHADED_BY_HAIR:
        for style in character.styles.items():
            if style in rig.shadows:
                left = left * rig.shadows[style][part.vertices, None]
    return left


def _flat(color: Array, openness: Array) -> Array:
    return color * (0.15 + 0.85 * openness)


def _mix(a: Array, b: Array, weight: Array) -> Array:
    result: Array = a + (b - a) * weight
    return result
