"""Strands of hair of a character as meshes: those that never move but with the head, and those that follow the skin.

Draft draws them with fewer points along each.

N strands of K points; a strand has 2K - 1 vertices, its tip one; n vertices of a part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facewright_models.look.dress import Pose, lasting
from facewright_models.look.shading import part_colors
from facewright_models.rig import BakedRig, Character, RigPart
from facewright_models.rig.groom import ribbon_triangles
from facewright_renderer import Mesh, Preset

__all__ = ["StrandMesh", "Thinning", "thinned"]

Array = NDArray[np.float32]
_LONG = 4
"""Points of a strand that draft leaves points out of; lashes and the hairs of brows have fewer."""


@dataclass(frozen=True, kw_only=True)
class Thinning:
    """What is drawn of a part: `rows` (m,) of its vertices, and triangles (T, 3) of these."""

    rows: NDArray[np.int64]
    triangles: NDArray[np.int32]


def thinned(part: RigPart, preset: Preset) -> Thinning:
    """All points of a part's strands in `full`; in `draft` every second one of long strands, root and tip always."""
    vertex_count = part.vertices.stop - part.vertices.start
    count = (vertex_count - len(part.triangles)) // 2
    length = (vertex_count // count + 1) // 2
    points = np.arange(length)
    if preset == "draft" and length >= _LONG:
        points = np.unique(np.append(points[::2], length - 1))
    own = np.append(np.stack([2 * points[:-1], 2 * points[:-1] + 1], 1).ravel(), 2 * length - 2)
    rows = (2 * length - 1) * np.arange(count)[:, None] + own
    return Thinning(rows=rows.ravel(), triangles=ribbon_triangles(count, len(points)))


class StrandMesh:
    """Some of a character's pieces of hair as one mesh; `is_rigid` ones keep their place in the head for ever.

    Strands keep the normals that they were made with.
    """

    def __init__(
        self, rig: BakedRig, character: Character, parts: Sequence[RigPart], preset: Preset, *, is_rigid: bool
    ) -> None:
        self._drawn = {part.name: thinned(part, preset) for part in parts}
        drawn = list(zip(parts, self._drawn.values(), strict=True))
        starts = np.cumsum([0, *(len(own.rows) for own in self._drawn.values())])
        # Deep in the hair, strands shine less.
        gloss = [rig.occlusion[part.vertices, None][own.rows] ** 2 for part, own in drawn]
        self._normals = _joined([part.normals[own.rows] for part, own in drawn if part.normals is not None])
        self._tangents = _joined(
            [
                part.tangents[own.rows] * shine
                for (part, own), shine in zip(drawn, gloss, strict=True)
                if part.tangents is not None
            ]
        )
        self._triangles = lasting(
            np.concatenate(
                [own.triangles + start for (_, own), start in zip(drawn, starts, strict=False)]
            ).astype(np.int32)
        )
        self._colors = _joined([part_colors(rig, part, character)[own.rows] for part, own in drawn])
        self._labels = lasting(
            np.concatenate([np.full(len(own.triangles), part.labels[0], np.uint8) for part, own in drawn])
        )
        self._is_rigid = is_rigid
        self._placed: Array | None = None

    def posed(self, pose: Pose) -> Mesh:
        """The mesh of a frame."""
        placed = self._placed
        if placed is None:
            placed = np.concatenate([pose.strands[name][own.rows] for name, own in self._drawn.items()])
            if self._is_rigid:
                placed = self._placed = lasting(placed)
        return Mesh(
            vertices=placed,
            normals=self._normals,
            triangles=self._triangles,
            colors=self._colors,
            labels=self._labels,
            tangents=self._tangents,
            rotation=pose.rotation,
        )


def _joined(pieces: Sequence[Array]) -> Array:
    return lasting(np.concatenate(pieces).astype(np.float32, copy=False))
