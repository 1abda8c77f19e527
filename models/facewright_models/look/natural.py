"""The natural look: painted, subdivided skin, fine eyes and teeth, strands of hair, the rest as the rig has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from facewright_models.look.cast_shadow import CastShadow
from facewright_models.look.dress import Pose, plain_mesh
from facewright_models.look.eyes import FineEye, iris_pattern, paint_iris
from facewright_models.look.shading import part_colors, part_roughness, srgb_to_linear
from facewright_models.look.skin import FineSkin, skin_texture
from facewright_models.look.strands import StrandMesh
from facewright_models.look.surface import skin_surface
from facewright_models.look.teeth import FineTeeth
from facewright_models.rig import BakedRig, Character, RigPart
from facewright_renderer import Mesh, Preset

__all__ = ["NaturalDress"]

_HAIR_POINTS = 60_000


class NaturalDress:
    """One complete character of a rig; its skin is painted `texture_px` wide. See `Dress`."""

    def __init__(
        self, rig: BakedRig, character: Character, parts: Sequence[RigPart], *, texture_px: int
    ) -> None:
        color = srgb_to_linear(character.colors["iris"]).tolist()
        iris = paint_iris(iris_pattern(character), (color[0], color[1], color[2]))
        skin = skin_texture(rig, character, texture_px=texture_px)
        plain: dict[float, list[RigPart]] = {}
        self._fine: list[FineSkin | FineEye | FineTeeth] = []
        for part in parts:
            if part.name == "skin":
                self._fine.append(FineSkin(rig, part, character, skin))
            elif part.name.startswith("eye_"):
                self._fine.append(FineEye(rig, part, character, iris))
            elif part.name.endswith("teeth"):
                self._fine.append(FineTeeth(rig, part.name))
            elif part.tangents is None:
                plain.setdefault(part_roughness(part), []).append(part)
        self._plain = [
            plain_mesh(group, roughness, lambda part: part_colors(rig, part, character))
            for roughness, group in plain.items()
        ]
        self._rig, self._character = rig, character
        hair = [part for part in parts if part.tangents is not None]
        self._hair = {
            is_rigid: [part for part in hair if rig.strands_are_rigid(part.name) is is_rigid]
            for is_rigid in (True, False)
        }
        self._strands: dict[Preset, list[StrandMesh]] = {}

    def meshes(self, pose: Pose) -> tuple[Mesh, ...]:
        """See `Dress`."""
        solid = [piece.posed(pose) for piece in (*self._fine, *self._plain)]
        if pose.shadow_from is not None:
            skin = skin_surface(self._rig).vertices(pose.of("skin"))
            shadow = CastShadow(skin, _casting_hair(pose), pose.shadow_from)
            solid = [replace(mesh, shade=shadow.at(mesh.vertices, mesh.normals)) for mesh in solid]
        return (*solid, *(strands.posed(pose) for strands in self._strands_for(pose.preset)))

    def _strands_for(self, preset: Preset) -> list[StrandMesh]:
        """Made when the first frame of that preset is."""
        if preset not in self._strands:
            self._strands[preset] = [
                StrandMesh(self._rig, self._character, parts, preset, is_rigid=is_rigid)
                for is_rigid, parts in self._hair.items()
                if parts
            ]
        return self._strands[preset]


def _casting_hair(pose: Pose) -> NDArray[np.float32]:
    """(S', 3) every few points of the hair on the head."""
    hair = [points for name, points in pose.strands.items() if name.startswith("hair_")]
    step = 1 + sum(map(len, hair)) // _HAIR_POINTS
    return (
        np.concatenate([np.zeros((0, 3), np.float32), *(points[::step] for points in hair)]) @ pose.rotation.T
    )
