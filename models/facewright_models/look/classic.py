"""How rigs of the first version are drawn: plain parts with vertex colours, as the shipped networks know them.

It goes when the networks of the natural look have taken over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from facewright_models.look.dress import Pose, plain_mesh
from facewright_models.look.shading import srgb_to_linear
from facewright_models.rig import BakedRig, Character, RigPart
from facewright_models.rig.parts import PAINT_CHANNELS
from facewright_renderer import Mesh

__all__ = ["ClassicDress", "part_colors", "part_roughness"]

Array = NDArray[np.float32]

_SCLERA = (0.86, 0.83, 0.80)
_TEETH = (0.90, 0.87, 0.80)
_TONGUE = (0.62, 0.33, 0.31)
_MOUTH = (0.28, 0.11, 0.10)
_ROUGHNESS = {"eye": 0.22, "hair": 0.62, "brow": 0.9, "beard": 0.9, "upper": 0.3, "lower": 0.3}
_USUAL_ROUGHNESS = 0.68
_STUBBLE = {"none": 0.0, "stubble": 0.42, "moustache": 0.0, "goatee": 0.10, "full_beard": 0.55}
_SCALP = {"bald": 0.0, "buzz": 0.65}


class ClassicDress:
    """Visible parts, merged by roughness so that few draw calls remain. See `Dress`."""

    def __init__(self, rig: BakedRig, character: Character, parts: Sequence[RigPart]) -> None:
        groups: dict[float, list[RigPart]] = {}
        for part in parts:
            groups.setdefault(part_roughness(part), []).append(part)
        self._meshes = [
            plain_mesh(group, roughness, lambda part: part_colors(rig, part, character))
            for roughness, group in groups.items()
        ]

    def meshes(self, pose: Pose) -> tuple[Mesh, ...]:
        """See `Dress`."""
        return tuple(mesh.posed(pose) for mesh in self._meshes)


def part_roughness(part: RigPart) -> float:
    """Of the part's whole surface, in [0,1]."""
    return _ROUGHNESS.get(part.name.split("_")[0], _USUAL_ROUGHNESS)


def part_colors(rig: BakedRig, part: RigPart, character: Character) -> Array:
    """(N, 3) linear colours of a part's vertices. The character must be complete (validated)."""
    paint = {name: rig.paint[part.vertices, i, None] for i, name in enumerate(PAINT_CHANNELS)}
    openness = rig.occlusion[part.vertices, None]
    if part.name.startswith("eye_"):
        return _eye(paint, openness, character)
    if part.name.startswith("lashes"):
        return _flat(srgb_to_linear(character.colors["hair"]) * 0.25, openness)
    if part.name.endswith("teeth"):
        return _flat(srgb_to_linear(_TEETH), openness**1.5)
    if part.name == "tongue":
        return _flat(srgb_to_linear(_TONGUE), openness**1.5)
    if part.style is not None:
        return _hair(part.style[0], paint["strand"], openness, character)
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
    moustache = 0.5 if character.styles["facial_hair"] == "moustache" else stubble
    skin = _mix(skin, shadow, stubble * paint["beard"])
    skin = _mix(skin, shadow, moustache * paint["moustache"])
    skin = _mix(skin, colors["hair"], _SCALP.get(character.styles["hair"], 0.85) * paint["scalp"])
    skin = _mix(skin, srgb_to_linear(_MOUTH), paint["interior"])
    return skin * (0.30 + 0.70 * openness)


def _eye(paint: Mapping[str, Array], openness: Array, character: Character) -> Array:
    white = np.broadcast_to(srgb_to_linear(_SCLERA), (len(openness), 3)).astype(np.float32)
    iris = srgb_to_linear(character.colors["iris"])
    color = _mix(white, iris, paint["iris"])
    color = _mix(color, iris * 0.35, paint["limbus"])
    color = _mix(color, np.full(3, 0.004, np.float32), paint["pupil"])
    return color * (0.25 + 0.75 * openness)


def _hair(slot: str, strand: Array, openness: Array, character: Character) -> Array:
    hair = srgb_to_linear(character.colors["hair"])
    if slot == "brows":
        skin = srgb_to_linear(character.colors["skin"])
        brows = srgb_to_linear(character.colors["brows"])
        color: Array = (0.82 * brows + 0.18 * skin) * (0.85 + 0.3 * strand) * (0.5 + 0.5 * openness)
    else:
        color = hair * (0.70 + 0.60 * strand) * (0.35 + 0.65 * openness)
    return color


def _flat(color: Array, openness: Array) -> Array:
    return color * (0.15 + 0.85 * openness)


def _mix(a: Array, b: Array, weight: Array) -> Array:
    result: Array = a + (b - a) * weight
    return result
