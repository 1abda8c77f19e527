"""Vertex colours of a character: its colours and styles, mixed by the rig's paint and occlusion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig import BakedRig, Character, Color, RigPart
from facewright_models.rig.parts import PAINT_CHANNELS

__all__ = ["left_by_hair", "part_colors", "part_roughness", "srgb_to_linear"]

Array = NDArray[np.float32]

_TEETH = (0.90, 0.87, 0.80)
_TONGUE = (0.62, 0.33, 0.31)
_SKIN_BETWEEN_LASHES = 0.22
_ROUGHNESS = {"hair": 0.62, "brow": 0.9, "beard": 0.9}
_USUAL_ROUGHNESS = 0.68


def srgb_to_linear(color: Color | NDArray[np.float64]) -> Array:
    """sRGB in [0,1] -> linear, elementwise, with the exponent 2.2 that the renderer's output uses."""
    return np.power(np.asarray(color, np.float32), np.float32(2.2))


def part_roughness(part: RigPart) -> float:
    """Of the part's whole surface, in [0,1]."""
    return _ROUGHNESS.get(part.name.split("_")[0], _USUAL_ROUGHNESS)


def part_colors(rig: BakedRig, part: RigPart, character: Character) -> Array:
    """(N, 3) linear colours of a part's vertices. The character must be complete (validated)."""
    paint = {name: rig.paint[part.vertices, i, None] for i, name in enumerate(PAINT_CHANNELS)}
    openness = rig.occlusion[part.vertices, None]
    if part.name.startswith("lashes"):
        return _lashes(openness, character)
    if part.name.endswith("teeth"):
        return _flat(srgb_to_linear(_TEETH), np.maximum(openness, 0.5))
    if part.name == "tongue":
        return _flat(srgb_to_linear(_TONGUE), openness**1.5)
    if part.style is not None and part.style[0] == "brows":
        return _brow(part.tangents is not None, paint["strand"], openness, character)
    return _hair(paint["strand"], openness, character)


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
    """Darker than the hair, and never as light as blond hair; with skin between hairs that are finer than a pixel."""
    hair = np.float32(0.35) * np.minimum(srgb_to_linear(character.colors["hair"]), np.float32(0.10))
    return _mix(hair, srgb_to_linear(character.colors["skin"]), np.float32(_SKIN_BETWEEN_LASHES)) * openness


def left_by_hair(rig: BakedRig, part: RigPart, character: Character) -> Array:
    """(N,) share of the light that the character's hair leaves to a part that lies under it."""
    left = np.ones(part.vertices.stop - part.vertices.start, np.float32)
    for style in character.styles.items():
        if style in rig.shadows:
            left = left * rig.shadows[style][part.vertices]
    return left


def _flat(color: Array, openness: Array) -> Array:
    return color * (0.15 + 0.85 * openness)


def _mix(a: Array, b: Array, weight: Array | np.float32) -> Array:
    result: Array = a + (b - a) * weight
    return result
