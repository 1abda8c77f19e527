"""The natural look: painted, subdivided skin, fine eyes and teeth, strands of hair, the rest as the rig has it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facewright_models.look.dress import Pose, lasting, plain_mesh
from facewright_models.look.eyes import FineEye, iris_pattern, paint_iris
from facewright_models.look.shading import part_colors, srgb_to_linear
from facewright_models.look.skin import FineSkin, skin_paint
from facewright_models.look.skin_texture import paint_skin, skin_marks
from facewright_models.look.teeth import FineTeeth
from facewright_models.rig import BakedRig, Character, RigPart
from facewright_renderer import Mesh

__all__ = ["NaturalDress"]

_ROUGHNESS = {"hair": 0.62, "brow": 0.9, "beard": 0.9}


class NaturalDress:
    """One complete character of a rig; its skin is painted `texture_px` wide. See `Dress`."""

    def __init__(
        self, rig: BakedRig, character: Character, parts: Sequence[RigPart], *, texture_px: int
    ) -> None:
        color = srgb_to_linear(character.colors["iris"]).tolist()
        iris = paint_iris(iris_pattern(character), (color[0], color[1], color[2]))
        skin = paint_skin(skin_marks(rig, texture_px), skin_paint(character))
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
                plain.setdefault(_ROUGHNESS.get(part.name.split("_")[0], 0.68), []).append(part)
        self._plain = [
            plain_mesh(group, roughness, lambda part: part_colors(rig, part, character))
            for roughness, group in plain.items()
        ]
        self._strands = _Strands(rig, character, [part for part in parts if part.tangents is not None])

    def meshes(self, pose: Pose) -> tuple[Mesh, ...]:
        """See `Dress`."""
        return (
            *(fine.posed(pose) for fine in self._fine),
            *(plain.posed(pose) for plain in self._plain),
            *self._strands.posed(pose),
        )


class _Strands:
    """All strands of hair of a character as one mesh. They keep the normals that they were made with."""

    def __init__(self, rig: BakedRig, character: Character, parts: list[RigPart]) -> None:
        self._names = [part.name for part in parts]
        if not parts:
            return
        starts = np.cumsum([0, *(part.vertices.stop - part.vertices.start for part in parts)])
        # Deep in the hair, strands shine less.
        gloss = np.concatenate([rig.occlusion[part.vertices, None] for part in parts]) ** 2
        self._normals = np.concatenate([part.normals for part in parts if part.normals is not None])
        self._tangents = gloss * np.concatenate([p.tangents for p in parts if p.tangents is not None])
        triangles = np.concatenate([part.triangles + s for part, s in zip(parts, starts, strict=False)])
        self._triangles = lasting(triangles.astype(np.int32))
        colors = [part_colors(rig, part, character) for part in parts]
        self._colors = lasting(np.concatenate(colors).astype(np.float32))
        self._labels = lasting(np.concatenate([part.labels for part in parts]))

    def posed(self, pose: Pose) -> tuple[Mesh, ...]:
        """The mesh of a frame, none for who has no hair at all."""
        if not self._names:
            return ()
        return (
            Mesh(
                vertices=np.concatenate([pose.strands[name] for name in self._names]),
                normals=self._normals @ pose.rotation.T,
                triangles=self._triangles,
                colors=self._colors,
                labels=self._labels,
                tangents=self._tangents @ pose.rotation.T,
            ),
        )
