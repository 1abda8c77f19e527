"""The skin as it is drawn: subdivided once, with texture coordinates of its own.

One Catmull-Clark step as a sparse matrix, computed from the rig's topology, makes the outline smooth at a millisecond a
frame. The texture coordinates unroll the head about its vertical axis and give the face's front most of the room, which
the package's own coordinates do not (two thirds of their square is empty or scalp).

Source: Catmull and Clark, "Recursively generated B-spline surfaces on arbitrary topological meshes" (1978), with the
boundary rule of Halstead, Kass and DeRose, SIGGRAPH 1993.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from facewright_models.look.dress import lasting
from facewright_models.rig import BakedRig, RigPart
from facewright_models.rig.parts import PAINT_CHANNELS

__all__ = ["CoarseSkin", "SkinSurface", "TexelMap", "coarse_skin", "skin_surface", "texel_map"]

_FRONT = 1.7
"""How many times more texels per degree the face's middle gets than an even unrolling would give it."""
_RADIUS_METRES = 0.095
_AXIS_Z_METRES = 0.015
_TOP = _RADIUS_METRES * math.pi / 2
_BOTTOM = -0.235
_INSIDE = 0.07  # the lowest strip of the texture belongs to the inside of the mouth
_SAMPLES_AT_ONCE = 1_000_000
_LARGEST_PX = 128  # quads that stretch further lie at the crown, where gaps may take their neighbours
Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SkinSurface:
    """S vertices, Q quads of the drawn skin.

    `refine` (S, N) gives them from the N vertices of the rig's skin part; `quads` (Q, 4); `triangles` (2Q, 3);
    `labels` (2Q,); `uv` (S, 2) in [0, 1] (up to 2 beyond the seam at the back), v upwards; `rest` (S, 3) metres, the
    average head; `paint` (S, channels) in [0, 1]; `openness` (S,) in [0, 1].
    """

    refine: sp.csr_matrix
    quads: NDArray[np.int32]
    triangles: NDArray[np.int32]
    labels: NDArray[np.uint8]
    uv: NDArray[np.float32]
    rest: NDArray[np.float32]
    paint: NDArray[np.float32]
    openness: NDArray[np.float32]

    def channel(self, name: str) -> NDArray[np.float32]:
        """(S,) one channel of the paint."""
        column: NDArray[np.float32] = self.paint[:, PAINT_CHANNELS.index(name)]
        return column

    def vertices(self, skin: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 3) vertices of the rig's skin -> (S, 3)."""
        fine: NDArray[np.float32] = self.refine @ skin
        return fine


@dataclass(frozen=True, kw_only=True)
class TexelMap:
    """Which place of the surface each texel of a square texture shows, row 0 at the top.

    `quads` (H, W) int32, -1 where none is near; `weights` (H, W, 4) of the quad's corners.
    """

    quads: NDArray[np.int32]
    weights: NDArray[np.float32]
    corners: NDArray[np.int32]

    def sample(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(S,) or (S, C) values of the vertices -> (H, W) or (H, W, C)."""
        ids = self.corners[np.maximum(self.quads, 0)]  # (H, W, 4)
        weights = self.weights if values.ndim == 1 else self.weights[..., None]
        result: NDArray[np.float32] = (values[ids] * weights).sum(2)
        return result


@dataclass(frozen=True, kw_only=True)
class CoarseSkin:
    """The skin with the rig's triangles, for engines.

    vertex_ids (M,) of the part, triangles (T, 3) into those, uv (M, 2); `onto` (N, N) moves the N vertices of the part
    to where the drawn surface has them.
    """

    vertex_ids: NDArray[np.int64]
    triangles: NDArray[np.int32]
    uv: NDArray[np.float32]
    onto: sp.csr_matrix


@lru_cache(maxsize=2)
def coarse_skin(rig: BakedRig) -> CoarseSkin:
    """The skin before subdivision, in the same texture."""
    part = rig.part("skin")
    quads = _quads(part)
    count = part.vertices.stop - part.vertices.start
    onto = _catmull_clark(quads, count)[0][:count]  # the first points are the old ones, moved
    neutral = (onto @ rig.average(part.name)).astype(np.float32)
    paint = rig.paint[part.vertices]
    inside = paint[quads][:, :, PAINT_CHANNELS.index("interior")].mean(1) > 0.5
    origin, cut, uv = _cut(quads, *_unrolled(neutral), inside, neutral)
    triangles = np.concatenate([cut[:, [0, 1, 2]], cut[:, [0, 2, 3]]])
    return CoarseSkin(
        vertex_ids=origin,
        triangles=triangles.astype(np.int32),
        uv=uv.astype(np.float32),
        onto=onto,
    )


@lru_cache(maxsize=2)
def skin_surface(rig: BakedRig) -> SkinSurface:
    """The drawn skin of a rig, computed once (a second)."""
    part = rig.part("skin")
    quads = _quads(part)
    refine, fine = _catmull_clark(quads, part.vertices.stop - part.vertices.start)
    neutral = rig.average(part.name)
    rest = (refine @ neutral).astype(np.float32)
    labels = np.repeat(part.labels[: len(quads)], 4)
    paint = (refine @ rig.paint[part.vertices]).astype(np.float32)
    inside = paint[fine][:, :, PAINT_CHANNELS.index("interior")].mean(1) > 0.5
    u, v = _unrolled(rest)
    origin, fine, uv = _cut(fine, u, v, inside, rest)
    chosen = refine[origin]
    triangles = np.concatenate([fine[:, [0, 1, 2]], fine[:, [0, 2, 3]]])
    return SkinSurface(
        refine=chosen,
        quads=fine.astype(np.int32),
        triangles=lasting(triangles.astype(np.int32)),
        labels=lasting(np.concatenate([labels, labels])),
        uv=lasting(uv.astype(np.float32)),
        rest=rest[origin],
        paint=np.clip(paint[origin], 0, 1),
        openness=np.clip((chosen @ rig.occlusion[part.vertices]), 0, 1).astype(np.float32),
    )


@lru_cache(maxsize=4)
def texel_map(rig: BakedRig, size_px: int) -> TexelMap:
    """The texels of a texture of `size_px`; every quad is sampled finely and gaps take their neighbour."""
    surface = skin_surface(rig)
    pixels = (surface.uv * [size_px, -size_px] + [0, size_px]).astype(np.float32)[surface.quads]  # (Q, 4, 2)
    extent = np.ceil(np.ptp(pixels, axis=1).max(1)).astype(int)
    # Where the surface lies in folds (lids over sockets, lips over gums), the outermost fold is the one seen.
    outside = np.hypot(surface.rest[:, 0], surface.rest[:, 2] - _AXIS_Z_METRES)[surface.quads].mean(1)
    covered = np.full(size_px * size_px, -1.0, np.float32)
    quads = np.full(size_px * size_px, -1, np.int32)
    weights = np.zeros((size_px * size_px, 4), np.float32)
    for low, high in pairwise((0, 4, 8, 16, 32, 64, _LARGEST_PX)):
        chosen = np.flatnonzero((extent > low) & ((extent <= high) | (high == _LARGEST_PX)))
        chosen = chosen[np.argsort(outside[chosen], kind="stable")]
        steps = int(1.25 * high) + 2
        s, t = (
            grid.ravel().astype(np.float32) for grid in np.meshgrid(*[(np.arange(steps) + 0.5) / steps] * 2)
        )
        blend = np.stack([(1 - s) * (1 - t), s * (1 - t), s * t, (1 - s) * t], 1)  # (M, 4)
        at_once = max(1, _SAMPLES_AT_ONCE // len(blend))
        for block in (chosen[start : start + at_once] for start in range(0, len(chosen), at_once)):
            places = np.matmul(blend, pixels[block]).astype(np.int32)  # (n, M, 2)
            texels = np.clip(places[..., 1], 0, size_px - 1) * size_px + places[..., 0] % size_px
            wins = outside[block][:, None] >= covered[texels]
            quad, sample = np.nonzero(wins)
            texels = texels[wins]
            quads[texels], weights[texels] = block[quad], blend[sample]
            covered[texels] = outside[quads[texels]]
    square = (size_px, size_px)
    placed, shares = quads.reshape(square), weights.reshape(*square, 4)
    _fill_gaps(placed, shares)
    return TexelMap(quads=placed, weights=shares, corners=surface.quads)


def _quads(part: RigPart) -> NDArray[np.int64]:
    """The bake writes the first triangles of all quads, then the second ones."""
    first, second = np.split(part.triangles.astype(np.int64), 2)
    return np.concatenate([first, second[:, 2:]], 1)


def _catmull_clark(quads: NDArray[np.int64], count: int) -> tuple[sp.csr_matrix, NDArray[np.int64]]:
    """The matrix to the finer vertices (old ones, edges, faces), and the 4 finer quads of each quad in a row."""
    faces = len(quads)
    face_of = sp.csr_matrix(
        (np.full(4 * faces, 0.25), (np.repeat(np.arange(faces), 4), quads.ravel())), (faces, count)
    )
    ends = np.sort(np.stack([quads, np.roll(quads, -1, 1)], 2).reshape(-1, 2), 1)
    edges, edge_of = np.unique(ends, axis=0, return_inverse=True)
    edge_of = edge_of.reshape(faces, 4)
    number = len(edges)
    middle = sp.csr_matrix(
        (np.full(2 * number, 0.5), (np.repeat(np.arange(number), 2), edges.ravel())), (number, count)
    )
    touching = sp.csr_matrix(
        (np.ones(4 * faces), (edge_of.ravel(), np.repeat(np.arange(faces), 4))), (number, faces)
    )
    uses = np.asarray(touching.sum(1)).ravel()
    inner = sp.diags((uses == 2).astype(float))
    edge_points = inner @ (0.5 * middle + 0.25 * touching @ face_of) + (sp.identity(number) - inner) @ middle
    at_vertex = sp.csr_matrix((np.ones(2 * number), (edges.ravel(), np.repeat(np.arange(number), 2))))
    faces_at = sp.csr_matrix((np.ones(4 * faces), (quads.ravel(), np.repeat(np.arange(faces), 4))))
    valence = np.asarray(at_vertex.sum(1)).ravel()
    around = np.maximum(np.asarray(faces_at.sum(1)).ravel(), 1)
    rim = np.zeros(count)
    rim[edges[uses == 1].ravel()] = 1
    own = sp.diags((valence - 3) / valence)
    smooth = (
        own
        + sp.diags(1 / (around * valence)) @ faces_at @ face_of
        + sp.diags(2 / valence**2) @ at_vertex @ middle
    )
    rim_edges = at_vertex @ sp.diags((uses == 1).astype(float))
    rim_points = 0.5 * sp.identity(count) + sp.diags(
        0.5 / np.maximum(np.asarray(rim_edges.sum(1)).ravel(), 1)
    ) @ (rim_edges @ middle)
    points = sp.diags(1 - rim) @ smooth + sp.diags(rim) @ rim_points
    matrix = sp.vstack([points, edge_points, face_of]).tocsr().astype(np.float32)
    center = count + number + np.arange(faces)
    fine = np.stack(
        [
            np.stack([quads[:, k], count + edge_of[:, k], center, count + edge_of[:, k - 1]], 1)
            for k in range(4)
        ],
        1,
    ).reshape(-1, 4)
    return matrix, fine


def _unrolled(rest: NDArray[np.float32]) -> tuple[Array, Array]:
    x, y, z = rest.astype(float).T
    z = z - _AXIS_Z_METRES
    turn = np.arctan2(x, z) / math.pi  # 0 at the front, +-1 at the back
    u = 0.5 + 0.5 * np.sign(turn) * (1 - (1 - np.abs(turn)) ** _FRONT)
    across = np.hypot(x, z)
    height = np.where(y > 0, _RADIUS_METRES * np.arctan2(y, across), y)
    v = _INSIDE + (1 - _INSIDE) * np.clip((height - _BOTTOM) / (_TOP - _BOTTOM), 0, 1)
    return u, v


def _cut(
    fine: NDArray[np.int64], u: Array, v: Array, inside: NDArray[np.bool_], rest: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """Vertices that two places of the texture share become two: (S,) where each comes from, quads, (S, 2)."""
    seam = ~inside & (np.ptp(u[fine], axis=1) > 0.5)
    kinds = np.where(inside, 2, 0)[:, None] + (seam[:, None] & (u[fine] < 0.5))
    count = len(u)
    keys, compact = np.unique(kinds * count + fine, return_inverse=True)
    origin, kind = keys % count, keys // count
    uv = np.stack([u[origin] + (kind == 1), v[origin]], 1)
    low, high = rest[np.unique(fine[inside])].min(0), rest[np.unique(fine[inside])].max(0)
    place = (rest[origin] - low) / np.maximum(high - low, 1e-6)
    island = np.stack([place[:, 0], _INSIDE * (0.05 + 0.85 * place[:, 2])], 1)
    uv = np.where((kind == 2)[:, None], np.clip(island, 0.002, 0.998), uv)
    return origin, compact.reshape(fine.shape), uv


def _fill_gaps(quads: NDArray[np.int32], weights: NDArray[np.float32]) -> None:
    """Texels that no quad covers take the nearest one that is covered."""
    from scipy.ndimage import distance_transform_edt

    empty = quads < 0
    if empty.any():
        rows, columns = distance_transform_edt(empty, return_distances=False, return_indices=True)
        quads[empty] = quads[rows[empty], columns[empty]]
        weights[empty] = weights[rows[empty], columns[empty]]
