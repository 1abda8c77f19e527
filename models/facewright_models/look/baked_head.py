"""A character with everything computed once that no expression and no view changes.

Vertices are linear in the facial actions, whatever they are in the sliders, so a frame costs the head at rest plus
the actions that are not zero, over the vertices of visible parts alone: 1 ms where the whole rig takes 4.

V vertices of the rig, n of one part, N of a head's visible solid parts; T triangles, E facial actions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from facewright_models.look.dress import Dress, Pose
from facewright_models.look.staging import LIGHTINGS, View, head_rotation, portrait_camera
from facewright_models.rig import BakedRig, Character, RigPart, slider_vector
from facewright_renderer import Preset, Scene

__all__ = ["BakedHead", "HeadBaker", "visible_parts"]

Array = NDArray[np.float32]

_ACTIONS_AT_ONCE = 4


class HeadBaker:
    """Bakes the characters of one rig; keeps what all of them share.

    `dress` gives a character's clothes: how its visible parts are drawn.
    """

    def __init__(self, rig: BakedRig, dress: Callable[[Character, Sequence[RigPart]], Dress]) -> None:
        self._rig = rig
        self._dress = dress
        self._fans: dict[str, _Fans] = {}

    def bake(self, character: Character) -> BakedHead:
        """A complete (validated) character, ready for frames."""
        return self.bake_all([character])[0]

    def bake_all(self, characters: Sequence[Character]) -> list[BakedHead]:
        """Several at once: the rig's shapes, 30 MB, are read once for all of them."""
        shown = [visible_parts(self._rig, character) for character in characters]
        with torch.inference_mode():
            sliders = torch.stack([slider_vector(self._rig.schema, character) for character in characters])
            rests = self._rig(sliders, parts={part.name for parts in shown for part in parts})
            marks = self._rig.pick_landmarks(rests).numpy()
        return [
            BakedHead(self, self._rig, parts, self._dress(character, parts), rest=rest, landmarks=points)
            for character, parts, rest, points in zip(characters, shown, rests.numpy(), marks, strict=True)
        ]

    def fans(self, part: RigPart) -> _Fans:
        """The triangles about every vertex of a part."""
        if part.name not in self._fans:
            self._fans[part.name] = _Fans.of(part)
        return self._fans[part.name]

    @property
    def actions(self) -> dict[str, Array]:
        """By solid part, (E, 3 n): what every facial action adds to the part's vertices, in metres."""
        return self._shapes[0]

    @property
    def landmark_actions(self) -> Array:
        """(E, 68, 3): the same of the landmarks."""
        return self._shapes[1]

    @cached_property
    def _shapes(self) -> tuple[dict[str, Array], Array]:
        """Made a few actions at a time: the rig takes six times the room of its answer."""
        count = len(self._rig.schema.facial_actions)
        ranges = {
            part.name: (3 * part.vertices.start, 3 * part.vertices.stop)
            for part in self._rig.parts
            if part.tangents is None
        }
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
                moved = self._rig.solid_offsets(weights[rows])  # (<=4, solid vertices, 3)
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


class BakedHead:
    """One character. Calls are pure; arrays that never change are marked so, for the renderer to keep."""

    def __init__(
        self,
        baker: HeadBaker,
        rig: BakedRig,
        parts: Sequence[RigPart],
        dress: Dress,
        *,
        rest: Array,
        landmarks: Array,
    ) -> None:
        self._baker = baker
        self._rig = rig
        self._dress = dress
        self._parts = [part for part in parts if part.tangents is None]
        self._strands = [part for part in parts if part.tangents is not None]
        self._rest = np.concatenate([rest[part.vertices] for part in self._parts])  # (N, 3)
        self._strand_rest = {part.name: rest[part.vertices].copy() for part in self._strands}
        self._landmarks = landmarks  # (68, 3)
        starts = np.cumsum([0, *(part.vertices.stop - part.vertices.start for part in self._parts)])
        self._ranges = [slice(int(a), int(b)) for a, b in pairwise(starts)]
        self._places = {part.name: own for part, own in zip(self._parts, self._ranges, strict=True)}
        self._triangles = np.concatenate(
            [part.triangles + self._places[part.name].start for part in self._parts]
        )
        self._corner_sums = _corner_sums(self._parts, baker)

    def scene(self, actions: Array, view: View, preset: Preset = "full") -> Scene:
        """The head on the portrait stage; actions (E,) in [0,1]."""
        rotation, lighting = _rotation(view), LIGHTINGS[view.stage.light]
        still, strands = self._vertices(actions)
        points = still @ rotation.T  # (N, 3)
        pose = Pose(
            points=points,
            normals=self._normals(points),
            places=self._places,
            strands=strands,
            landmarks=self.landmarks(actions, view),
            rotation=rotation,
            preset=preset,
            shadow_from=lighting.shadow_from,
        )
        return Scene(
            meshes=self._dress.meshes(pose),
            camera=portrait_camera(),
            lights=lighting.lights,
            ambient=lighting.ambient,
            background=view.stage.background,
        )

    def landmarks(self, actions: Array, view: View) -> Array:
        """The 68 points (68, 3) on the stage."""
        points = self._landmarks
        if actions.any():
            points = points + np.tensordot(actions, self._baker.landmark_actions, 1)
        turned: Array = points @ _rotation(view).T
        return turned

    def _vertices(self, actions: Array) -> tuple[Array, dict[str, Array]]:
        """(N, 3) in head space, and of every groom."""
        if not actions.any():
            return self._rest, self._strand_rest
        active = np.flatnonzero(actions)
        if len(active) > len(actions) // 3:
            active = np.arange(len(actions))  # a copy of most rows costs more than the zeros among them
        points = self._rest.copy()
        for part, own in zip(self._parts, self._ranges, strict=True):
            shapes = self._baker.actions[part.name]
            shapes = shapes if len(active) == len(shapes) else shapes[active]
            points[own] += (actions[active] @ shapes).reshape(-1, 3)
        strands = dict(self._strand_rest)
        if strands:
            moved = points[self._places["skin"]] - self._rest[self._places["skin"]]
            for name, still in self._strand_rest.items():
                carried = self._rig.strands_carried(name, moved)
                strands[name] = still if carried is None else still + carried
        return points, strands

    def _normals(self, points: Array) -> Array:
        """(N, 3) smooth unit normals, triangles weighted by area."""
        a, b, c = points.take(self._triangles, axis=0).swapaxes(0, 1)  # (T, 3) each
        sums = self._corner_sums @ np.cross(b - a, c - a)
        lengths = np.sqrt(np.einsum("ij,ij->i", sums, sums))
        sums /= np.maximum(lengths, 1e-12)[:, None]
        normals: Array = sums
        return normals


def visible_parts(rig: BakedRig, character: Character) -> list[RigPart]:
    """The parts that a complete character shows, each look's mesh of equal roughness in a row."""
    return [
        part
        for part in rig.parts
        if len(part.triangles) and (part.style is None or character.styles[part.style[0]] == part.style[1])
    ]


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
