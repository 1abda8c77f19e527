"""A character with everything computed once that no expression and no view changes.

Vertices are linear in the facial actions, whatever they are in the sliders, so a frame costs the head at rest plus
the actions that are not zero, over the vertices of visible parts alone: 1 ms where the whole rig takes 4.

V vertices of the rig, n of one part, N of a head's visible parts; T triangles, E facial actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from facewright_models.look.shading import part_colors
from facewright_models.look.staging import AMBIENT, LIGHTS, View, head_rotation, portrait_camera
from facewright_models.rig import BakedRig, Character, RigPart, slider_vector
from facewright_renderer import Mesh, Scene

__all__ = ["BACKGROUND", "BakedHead", "HeadBaker", "visible_parts"]

Array = NDArray[np.float32]

BACKGROUND = (0.62, 0.63, 0.65)
_ROUGHNESS = {"eye": 0.22, "hair": 0.62, "brow": 0.9, "beard": 0.9, "upper": 0.3, "lower": 0.3}
_PLAIN_ROUGHNESS = 0.68
_ACTIONS_AT_ONCE = 4


class HeadBaker:
    """Bakes the characters of one rig; keeps what all of them share."""

    def __init__(self, rig: BakedRig) -> None:
        self._rig = rig
        self._fans = {part.name: _Fans.of(part) for part in rig.parts}

    def bake(self, character: Character) -> BakedHead:
        """A complete (validated) character, ready for frames."""
        return self.bake_all([character])[0]

    def bake_all(self, characters: Sequence[Character]) -> list[BakedHead]:
        """Several at once: the rig's shapes, 30 MB, are read once for all of them."""
        with torch.inference_mode():
            sliders = torch.stack([slider_vector(self._rig.schema, character) for character in characters])
            rests = self._rig(sliders)
            marks = self._rig.pick_landmarks(rests).numpy()
        return [
            BakedHead(self, self._rig, character, rest=rest, landmarks=points)
            for character, rest, points in zip(characters, rests.numpy(), marks, strict=True)
        ]

    def fans(self, part: RigPart) -> _Fans:
        """The triangles about every vertex of a part."""
        return self._fans[part.name]

    @property
    def actions(self) -> dict[str, Array]:
        """By part, (E, 3 n): what every facial action adds to the part's vertices, in metres."""
        return self._shapes[0]

    @property
    def landmark_actions(self) -> Array:
        """(E, 68, 3): the same of the landmarks."""
        return self._shapes[1]

    @cached_property
    def _shapes(self) -> tuple[dict[str, Array], Array]:
        """Made a few actions at a time: the rig takes six times the room of its answer."""
        count = len(self._rig.schema.facial_actions)
        ranges = {part.name: (3 * part.vertices.start, 3 * part.vertices.stop) for part in self._rig.parts}
        by_part = {
            name: np.empty((count, stop - start), np.float32) for name, (start, stop) in ranges.items()
        }
        marks = np.empty((count, 68, 3), np.float32)
        with torch.inference_mode():
            neutral = torch.full((1, len(self._rig.schema.continuous_names)), 0.5)
            weights = torch.zeros(count, self._rig.shape_weights(neutral).shape[1])
            weights[:, -count:] = torch.eye(count)
            for first in range(0, count, _ACTIONS_AT_ONCE):
                rows = slice(first, first + _ACTIONS_AT_ONCE)
                moved = self._rig.offsets(weights[rows])  # (<=4, V, 3)
                marks[rows] = self._rig.pick_landmarks(moved).numpy()
                flat = moved.flatten(1).numpy()
                for name, (start, stop) in ranges.items():
                    by_part[name][rows] = flat[:, start:stop]
        return by_part, marks


@dataclass(frozen=True, kw_only=True)
class _Fans:
    """Which triangles meet at each vertex of a part, as the rows of a sparse matrix."""

    counts: NDArray[np.int32]
    triangles: NDArray[np.int32]

    @classmethod
    def of(cls, part: RigPart) -> _Fans:
        corners = part.triangles.ravel()
        order = np.argsort(corners, kind="stable")
        vertex_count = part.vertices.stop - part.vertices.start
        return cls(
            counts=np.bincount(corners, minlength=vertex_count).astype(np.int32),
            triangles=(order // 3).astype(np.int32),
        )


@dataclass(frozen=True, kw_only=True)
class _FixedMesh:
    """What never changes of one mesh of the scene: `vertices` is its range of the head's own."""

    vertices: slice
    triangles: NDArray[np.int32]
    colors: Array
    labels: NDArray[np.uint8]
    roughness: float
    double_sided: bool


class BakedHead:
    """One character. Calls are pure; arrays that never change are marked so, for the renderer to keep."""

    def __init__(
        self, baker: HeadBaker, rig: BakedRig, character: Character, *, rest: Array, landmarks: Array
    ) -> None:
        groups = _grouped(visible_parts(rig, character))
        self._baker = baker
        self._parts = [part for parts in groups.values() for part in parts]
        self._rest = np.concatenate([rest[part.vertices] for part in self._parts])  # (N, 3)
        self._landmarks = landmarks  # (68, 3)
        starts = np.cumsum([0, *(part.vertices.stop - part.vertices.start for part in self._parts)])
        self._ranges = [slice(int(a), int(b)) for a, b in pairwise(starts)]
        start_of = {part.name: own.start for part, own in zip(self._parts, self._ranges, strict=True)}
        self._triangles = np.concatenate([part.triangles + start_of[part.name] for part in self._parts])
        self._corner_sums = _corner_sums(self._parts, baker)
        self._meshes = [
            _fixed_mesh(rig, roughness, parts, start_of[parts[0].name], character)
            for roughness, parts in groups.items()
        ]

    def scene(self, actions: Array, view: View) -> Scene:
        """The head on the portrait stage; actions (E,) in [0,1]."""
        points = self._vertices(actions) @ _rotation(view).T  # (N, 3)
        normals = self._normals(points)
        return Scene(
            meshes=tuple(
                Mesh(
                    vertices=points[fixed.vertices],
                    normals=normals[fixed.vertices],
                    triangles=fixed.triangles,
                    colors=fixed.colors,
                    labels=fixed.labels,
                    roughness=fixed.roughness,
                    double_sided=fixed.double_sided,
                )
                for fixed in self._meshes
            ),
            camera=portrait_camera(),
            lights=LIGHTS,
            ambient=AMBIENT,
            background=BACKGROUND,
        )

    def landmarks(self, actions: Array, view: View) -> Array:
        """The 68 points (68, 3) on the stage."""
        points = self._landmarks
        if actions.any():
            points = points + np.tensordot(actions, self._baker.landmark_actions, 1)
        turned: Array = points @ _rotation(view).T
        return turned

    def _vertices(self, actions: Array) -> Array:
        """(N, 3) in head space."""
        if not actions.any():
            return self._rest
        active = np.flatnonzero(actions)
        if len(active) > len(actions) // 3:
            active = np.arange(len(actions))  # a copy of most rows costs more than the zeros among them
        points = self._rest.copy()
        for part, own in zip(self._parts, self._ranges, strict=True):
            shapes = self._baker.actions[part.name]
            shapes = shapes if len(active) == len(shapes) else shapes[active]
            points[own] += (actions[active] @ shapes).reshape(-1, 3)
        return points

    def _normals(self, points: Array) -> Array:
        """(N, 3) smooth unit normals, triangles weighted by area."""
        a, b, c = points.take(self._triangles, axis=0).swapaxes(0, 1)  # (T, 3) each
        sums = self._corner_sums @ np.cross(b - a, c - a)
        lengths = np.sqrt(np.einsum("ij,ij->i", sums, sums))
        sums /= np.maximum(lengths, 1e-12)[:, None]
        normals: Array = sums
        return normals


def visible_parts(rig: BakedRig, character: Character) -> list[RigPart]:
    """The parts that a complete character shows."""
    return [
        part
        for part in rig.parts
        if len(part.triangles) and (part.style is None or character.styles[part.style[0]] == part.style[1])
    ]


def _grouped(parts: list[RigPart]) -> dict[float, list[RigPart]]:
    """Parts by roughness: each group becomes one mesh, so that few draw calls remain."""
    groups: dict[float, list[RigPart]] = {}
    for part in parts:
        groups.setdefault(_ROUGHNESS.get(part.name.split("_")[0], _PLAIN_ROUGHNESS), []).append(part)
    return groups


def _fixed_mesh(
    rig: BakedRig, roughness: float, parts: list[RigPart], start: int, character: Character
) -> _FixedMesh:
    starts = np.cumsum([0, *(part.vertices.stop - part.vertices.start for part in parts)])
    triangles = np.concatenate([part.triangles + own for part, own in zip(parts, starts, strict=False)])
    return _FixedMesh(
        vertices=slice(start, start + int(starts[-1])),
        triangles=_lasting(triangles.astype(np.int32)),
        colors=_lasting(
            np.concatenate([part_colors(rig, part, character) for part in parts]).astype(np.float32)
        ),
        labels=_lasting(np.concatenate([part.labels for part in parts])),
        roughness=roughness,
        double_sided=parts[0].name.startswith("hair"),
    )


def _lasting(array: NDArray[Any]) -> NDArray[Any]:
    """Marked as never changing; see `facewright_renderer.Mesh`."""
    array.flags.writeable = False
    return array


def _corner_sums(parts: list[RigPart], baker: HeadBaker) -> csr_matrix:
    """(N, T) with 1 where a triangle has a vertex: times normals of triangles, sums at vertices."""
    fans = [baker.fans(part) for part in parts]
    starts = np.cumsum([0, *(len(part.triangles) for part in parts)])
    columns = np.concatenate([fan.triangles + start for fan, start in zip(fans, starts, strict=False)])
    rows = np.concatenate([[0], np.cumsum(np.concatenate([fan.counts for fan in fans]))])
    shape = (len(rows) - 1, int(starts[-1]))
    return csr_matrix((np.ones(len(columns), np.float32), columns, rows.astype(np.int32)), shape=shape)


def _rotation(view: View) -> Array:
    rotation: Array = head_rotation(view).astype(np.float32)
    return rotation
