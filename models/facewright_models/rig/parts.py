"""The pieces a baked head is assembled from, before they are written to one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "PAINT_CHANNELS",
    "BakePart",
    "Binding",
    "barycentric_binding",
    "clip_by_field",
    "smooth_field",
    "vertex_normals",
]

PAINT_CHANNELS = (
    "lip",
    "blush",
    "beard",
    "moustache",
    "scalp",
    "interior",
    "eyelid",
    "iris",
    "limbus",
    "pupil",
    "strand",
)
"""Per-vertex weights in [0,1] from which the look mixes the colours."""


@dataclass(frozen=True, kw_only=True)
class Binding:
    """Which skin vertices carry a vertex: ids (N, 3) and weights (N, 3) that sum to one."""

    ids: NDArray[np.int64]
    weights: NDArray[np.float64]

    @classmethod
    def to_vertices(cls, ids: NDArray[np.int64]) -> Binding:
        """Each bound vertex follows exactly one vertex."""
        weights = np.zeros((len(ids), 3))
        weights[:, 0] = 1.0
        return cls(ids=np.repeat(ids[:, None], 3, 1), weights=weights)

    def carry(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(V, 3) values on the skin -> (N, 3) values on the bound vertices."""
        carried: NDArray[np.float64] = np.einsum("nk,nkd->nd", self.weights, values[self.ids])
        return carried


@dataclass(frozen=True, kw_only=True)
class BakePart:
    """One mesh of the character: geometry in the neutral pose and how every target moves it.

    `labels` is the parsing class of each triangle. `style` is (slot, option) for a part that is shown
    only with that choice, None for one that is always there. `offsets` maps target names to (N, 3)
    offsets in decimetres; missing names do not move the part. A part with a `carrier` (part name, binding)
    moves with that part's vertices; its own `offsets` come on top.
    """

    name: str
    vertices: NDArray[np.float64]  # (N, 3) decimetres
    triangles: NDArray[np.int64]  # (T, 3)
    labels: NDArray[np.uint8]  # (T,)
    offsets: Mapping[str, NDArray[np.float64]]
    paint: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    style: tuple[str, str] | None = None
    carrier: tuple[str, Binding] | None = None


def vertex_normals(vertices: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.float64]:
    """(V, 3) unit normals, weighted by triangle area; zero for unused vertices."""
    corners = vertices[triangles]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], face_normals)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    unit: NDArray[np.float64] = normals / np.maximum(length, 1e-12)
    return unit


def barycentric_binding(
    points: NDArray[np.float64], vertices: NDArray[np.float64], triangles: NDArray[np.int64]
) -> Binding:
    """Bind points to the frontmost triangle hit along Z, or to the nearest vertex where none is hit.

    Args:
        points: (N, 3); only x and y matter for the hit.
        vertices, triangles: the skin.
    """
    corners = vertices[triangles]  # (T, 3, 3)
    origin, edge_a, edge_b = corners[:, 0, :2], corners[:, 1, :2], corners[:, 2, :2]
    edge_a, edge_b = edge_a - origin, edge_b - origin
    determinant = edge_a[:, 0] * edge_b[:, 1] - edge_a[:, 1] * edge_b[:, 0]
    determinant = np.where(np.abs(determinant) < 1e-12, np.inf, determinant)
    ids = np.zeros((len(points), 3), np.int64)
    weights = np.zeros((len(points), 3))
    for index, point in enumerate(points):
        relative = point[:2] - origin
        a = (relative[:, 0] * edge_b[:, 1] - relative[:, 1] * edge_b[:, 0]) / determinant
        b = (edge_a[:, 0] * relative[:, 1] - edge_a[:, 1] * relative[:, 0]) / determinant
        inside = (a >= -1e-9) & (b >= -1e-9) & (a + b <= 1 + 1e-9)
        if inside.any():
            depth = (1 - a - b) * corners[:, 0, 2] + a * corners[:, 1, 2] + b * corners[:, 2, 2]
            best = int(np.argmax(np.where(inside, depth, -np.inf)))
            ids[index] = triangles[best]
            weights[index] = [1 - a[best] - b[best], a[best], b[best]]
        else:
            used = np.unique(triangles)
            nearest = used[np.argmin(((vertices[used, :2] - point[:2]) ** 2).sum(1))]
            ids[index], weights[index, 0] = nearest, 1.0
    return Binding(ids=ids, weights=weights)


def smooth_field(
    field_: NDArray[np.float64], triangles: NDArray[np.int64], *, iterations: int
) -> NDArray[np.float64]:
    """(V,) values averaged with their neighbours on the mesh, `iterations` times."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    count = np.maximum(np.bincount(edges[:, 0], minlength=len(field_)), 1)
    for _ in range(iterations):
        total = np.bincount(edges[:, 0], weights=field_[edges[:, 1]], minlength=len(field_))
        field_ = 0.5 * field_ + 0.5 * total / count
    return field_


def clip_by_field(
    triangles: NDArray[np.int64], field_: NDArray[np.float64]
) -> tuple[Binding, NDArray[np.int64]]:
    """The part of a mesh where a vertex field is positive, cut along its zero contour.

    Returns the binding of the new vertices to the mesh and the new (T, 3) triangles.
    """
    ids: list[tuple[int, int]] = []
    weights: list[float] = []
    index: dict[tuple[int, int], int] = {}

    def corner(a: int) -> int:
        return _intern((a, a), 1.0)

    def crossing(a: int, b: int) -> int:
        low, high = (a, b) if a < b else (b, a)
        share = field_[low] / (field_[low] - field_[high])
        return _intern((low, high), 1.0 - float(share))

    def _intern(key: tuple[int, int], weight: float) -> int:
        if key not in index:
            index[key] = len(ids)
            ids.append(key)
            weights.append(weight)
        return index[key]

    result: list[tuple[int, int, int]] = []
    for a, b, c in triangles.tolist():
        positive = [field_[v] > 0 for v in (a, b, c)]
        if all(positive):
            result.append((corner(a), corner(b), corner(c)))
            continue
        if not any(positive):
            continue
        alone = positive.index(sum(positive) == 1)
        p, q, r = ((a, b, c) * 2)[alone : alone + 3]
        if sum(positive) == 1:
            result.append((corner(p), crossing(p, q), crossing(p, r)))
        else:
            pq, pr = crossing(p, q), crossing(p, r)
            result.append((pq, corner(q), corner(r)))
            result.append((pq, corner(r), pr))
    pairs = np.array(ids)
    share = np.array(weights)
    return (
        Binding(
            ids=np.stack([pairs[:, 0], pairs[:, 1], pairs[:, 1]], 1),
            weights=np.stack([share, 1 - share, np.zeros_like(share)], 1),
        ),
        np.array(result),
    )
