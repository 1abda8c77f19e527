"""What a character is drawn with: painted and subdivided skin, fine eyes and teeth, and the parts of its styles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from facewright_models.look.eyes import eye_mesh, iris_pattern, paint_iris
from facewright_models.look.shading import srgb_to_linear
from facewright_models.look.skin import skin_mesh, skin_paint
from facewright_models.look.skin_texture import SkinPaint, paint_skin, skin_marks
from facewright_models.look.teeth import teeth_mesh
from facewright_models.rig import BakedRig, Character, RigPart
from facewright_renderer import Mesh

__all__ = ["NaturalLook"]

_DRAWN_FINELY = frozenset({"skin", "eye_left", "eye_right", "upper_teeth", "lower_teeth"})
_CLOSED_METRES, _OPEN_METRES = 0.003, 0.009
"""Between the lips' inner marks: how far they are apart when no light falls in, and when all of it does."""


class NaturalLook:
    """Meshes of one rig's characters. Keeps the last painted skin: frames of one character come in a row."""

    def __init__(self, rig: BakedRig, *, texture_px: int = 1024) -> None:
        self._rig = rig
        self._texture_px = texture_px
        self._painted: tuple[SkinPaint, NDArray[np.uint8]] | None = None

    def meshes(
        self,
        points: NDArray[np.float32],
        normals: NDArray[np.float32],
        character: Character,
        turn: NDArray[np.float64],
    ) -> tuple[Mesh, ...]:
        """Skin, eyes and teeth for vertices and normals (V, 3) of the rig, turned by `turn` (3, 3)."""
        color = srgb_to_linear(character.colors["iris"]).tolist()
        iris = paint_iris(iris_pattern(character), (color[0], color[1], color[2]))
        light = self._between_the_lips(points)
        return (
            skin_mesh(self._rig, points, normals, character, self._skin(character)),
            *(eye_mesh(self._rig, name, points, character, iris) for name in ("eye_left", "eye_right")),
            *(teeth_mesh(self._rig, name, points, turn, light) for name in ("upper_teeth", "lower_teeth")),
        )

    @staticmethod
    def remaining(parts: Sequence[RigPart]) -> list[RigPart]:
        """The parts that `meshes` leaves to be drawn as the rig has them."""
        return [part for part in parts if part.name not in _DRAWN_FINELY]

    def _skin(self, character: Character) -> NDArray[np.uint8]:
        paint = skin_paint(character)
        if self._painted is None or self._painted[0] != paint:
            self._painted = (paint, paint_skin(skin_marks(self._rig, self._texture_px), paint))
        return self._painted[1]

    def _between_the_lips(self, points: NDArray[np.float32]) -> float:
        marks = self._rig.pick_landmarks(torch.from_numpy(points)[None])[0].numpy()
        gap = float(np.linalg.norm(marks[62] - marks[66]))
        return float(np.clip((gap - _CLOSED_METRES) / (_OPEN_METRES - _CLOSED_METRES), 0, 1))
