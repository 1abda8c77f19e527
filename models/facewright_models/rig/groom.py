"""Grooms: strands of hair as tapering ribbons, and how they become triangles.

Dimensions: N strands, K centreline points each. A ribbon has two vertices at every point but the last, its
tip, where it has one: N (2K - 1) vertices and N (2K - 3) triangles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Groom", "Ribbons", "expand", "ribbon_triangles"]

Array = NDArray[np.float32]
_ARCH = 0.55
"""How far the normals at a ribbon's two edges lean outwards, so that it is lit like half a tube."""
_SHIFT = 0.22
"""Spread of the strands' highlights along the strands, as the tangent of an angle."""


@dataclass(frozen=True, kw_only=True)
class Groom:
    """The strands of one piece of hair in the neutral pose, in the units of whoever made it.

    points (N, K, 3), root first; sides (N, K, 3) from the centreline to one edge; tones (N, 2) in [0,1] of the
    two edges; openness (N, K) in [0,1], how much light comes through the hair around; normals lean from the
    ribbon's own towards `center` outwards by `roundness`. Each point rides on one triangle of the skin:
    triangles (N, K) with weights (N, K, 3) of its corners; with (N, 1) a strand moves as a whole. `rigid` hair
    ignores facial actions. `offsets` are what single targets of the rig add to the points, (N, K, 3) each;
    `widen` by how much of their width those targets broaden the ribbons.
    """

    name: str
    style: tuple[str, str] | None
    label: int
    points: Array
    sides: Array
    tones: Array
    openness: Array
    triangles: NDArray[np.int64]
    weights: Array
    rigid: bool = True
    offsets: Mapping[str, Array] = field(default_factory=dict)
    widen: Mapping[str, float] = field(default_factory=dict)
    center: tuple[float, float, float] = (0.0, 0.0, 0.0)
    roundness: float = 0.5

    @property
    def vertex_count(self) -> int:
        """Vertices after expansion."""
        count, length = self.points.shape[:2]
        return int(count * (2 * length - 1))


@dataclass(frozen=True, kw_only=True)
class Ribbons:
    """An expanded groom of V vertices: vertices, normals and tangents (V, 3), tones and openness (V,); triangles
    (T, 3); `point_of` (V,) is the index of each vertex's point in the flattened (N K) points; `offsets` (V, 3)
    of the groom's targets.
    """

    vertices: Array
    normals: Array
    tangents: Array
    tones: Array
    openness: Array
    triangles: NDArray[np.int32]
    point_of: NDArray[np.int64]
    offsets: Mapping[str, Array]


def expand(groom: Groom) -> Ribbons:
    """Ribbons of a groom; equal grooms give equal ribbons."""
    count, length = groom.points.shape[:2]
    points, sides = groom.points.astype(np.float32), groom.sides.astype(np.float32)
    tangents = np.empty_like(points)
    tangents[:, 1:-1] = points[:, 2:] - points[:, :-2]
    tangents[:, 0] = points[:, 1] - points[:, 0]
    tangents[:, -1] = points[:, -1] - points[:, -2]
    tangents = _unit(tangents)
    across = _unit(sides)
    across[:, -1] = across[:, -2]
    outward = _unit(points - np.asarray(groom.center, np.float32))
    normals = np.cross(across, tangents)
    normals *= np.where((normals * outward).sum(-1, keepdims=True) < 0, -1, 1).astype(np.float32)
    normals = _unit((1 - groom.roundness) * _unit(normals) + groom.roundness * outward)
    shift = _SHIFT * (2 * _scatter(count) - 1)
    tangents = _unit(tangents + shift[:, None, None] * normals)
    place = _layout(count, length)
    edge = np.where(np.arange(2 * length - 1) % 2 == 0, -1.0, 1.0).astype(np.float32)
    edge[-1] = 0.0
    edge = np.tile(edge, count)[:, None]
    chosen = groom.tones[:, [0, 1]].astype(np.float32)
    tones = np.where(edge[:, 0] < 0, chosen[place // length, 0], chosen[place // length, 1])
    tones = np.where(edge[:, 0] == 0, chosen.mean(1)[place // length], tones)
    flat = (-1, 3)
    return Ribbons(
        vertices=points.reshape(flat)[place] + edge * sides.reshape(flat)[place],
        normals=_unit(normals.reshape(flat)[place] + _ARCH * edge * across.reshape(flat)[place]),
        tangents=tangents.reshape(flat)[place],
        tones=tones.astype(np.float32),
        openness=groom.openness.astype(np.float32).ravel()[place],
        triangles=ribbon_triangles(count, length),
        point_of=place,
        offsets={
            target: offset.astype(np.float32).reshape(flat)[place]
            + groom.widen.get(target, 0.0) * edge * sides.reshape(flat)[place]
            for target, offset in groom.offsets.items()
        },
    )


def ribbon_triangles(count: int, length: int) -> NDArray[np.int32]:
    """(N (2K - 3), 3) triangles of N ribbons with K points."""
    own = 2 * length - 1
    first = np.arange(0, own - 2)
    strip = np.stack([first, first + 1, first + 2], 1)
    strip[1::2] = strip[1::2][:, [1, 0, 2]]
    starts = own * np.arange(count)
    return (strip[None] + starts[:, None, None]).reshape(-1, 3).astype(np.int32)


def _layout(count: int, length: int) -> NDArray[np.int64]:
    own = np.append(np.repeat(np.arange(length - 1), 2), length - 1)
    place: NDArray[np.int64] = (own[None] + length * np.arange(count)[:, None]).ravel()
    return place


def _scatter(count: int) -> Array:
    """(N,) numbers in [0,1) that look random and are the same everywhere: the golden ratio's multiples."""
    places: Array = np.mod(np.arange(count) * 0.6180339887498949 + 0.5, 1.0).astype(np.float32)
    return places


def _unit(vectors: Array) -> Array:
    result: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32(1e-9))
    return result
