"""Which quads of the skin are drawn, and which of them finely.

Every vertex is one of the subdivided surface, so a coarser skin lies on the same surface, with the same texture
coordinates and no cracks: where a coarse quad meets a fine one, it becomes a fan about its middle. Triangles come in an
order in which neighbours follow each other and vertices in the order of their first use, which software rasterisers
need: their cache of shaded vertices is small.

Q quads of the rig, S vertices of the subdivided surface, M of them drawn, T triangles.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from facewright_models.look.dress import lasting
from facewright_models.look.eyes import eye_sphere
from facewright_models.look.surface import SkinSurface, skin_surface
from facewright_models.rig import BakedRig
from facewright_renderer import Preset

__all__ = ["DrawnSkin", "drawn_skin"]

_COARSE_METRES = 0.0008
"""In draft, a quad is split where its middle or an edge's would otherwise be further off the surface."""
_DARK = 0.1
_SOCKET_RADII = 1.7
_ORDER_BITS = 10


@dataclass(frozen=True, kw_only=True)
class DrawnSkin:
    """`refine` (M, N) gives the vertices from those of the rig's skin part; `rows` (M,) their rows of the surface;
    triangles (T, 3) into them, labels (T,), uv (M, 2).
    """

    refine: sp.csr_matrix
    rows: NDArray[np.int64]
    triangles: NDArray[np.int32]
    labels: NDArray[np.uint8]
    uv: NDArray[np.float32]


@lru_cache(maxsize=4)
def drawn_skin(rig: BakedRig, preset: Preset) -> DrawnSkin:
    """The skin without the eye sockets; in draft, fine only where it is strongly bent."""
    surface = skin_surface(rig)
    quads = surface.quads.reshape(-1, 4, 4)  # of each rig's quad: corner, edge, middle, edge before
    shown = ~_sockets(rig, surface, quads)
    fine = np.ones(len(quads), bool) if preset == "full" else _bent(surface, quads)
    order = np.argsort(_curve(surface.uv[quads[:, 0, 2]]), kind="stable")
    order = order[shown[order]]
    _, places = np.unique(surface.rest, axis=0, return_inverse=True)
    pieces, owners = _triangulated(quads[order], fine[order] | _torn(quads[order]), places.ravel())
    used, first, compact = np.unique(pieces, return_index=True, return_inverse=True)
    sequence = np.argsort(first)
    place = np.empty(len(used), np.int32)
    place[sequence] = np.arange(len(used))
    rows = used[sequence].astype(np.int64)
    return DrawnSkin(
        refine=surface.refine[rows],
        rows=rows,
        triangles=lasting(place[compact.reshape(-1, 3)]),
        labels=lasting(surface.labels[: len(surface.quads) : 4][order][owners]),
        uv=lasting(surface.uv[rows]),
    )


def _triangulated(
    quads: NDArray[np.int32], fine: NDArray[np.bool_], places: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """(T, 3) vertices of the surface and (T,) which quad each triangle is of; quads that are fine are split in four,
    and the edges that they share with others in two. Vertices with the same number in `places` (S,) lie together.
    """
    split = _split_edges(quads, fine, places)
    result: list[list[int]] = []
    owners: list[int] = []
    for index, (four, own) in enumerate(zip(quads.tolist(), split.tolist(), strict=True)):
        start = len(result)
        corners, edges, middle = [sub[0] for sub in four], [sub[1] for sub in four], four[0][2]
        if fine[index]:
            for a, b, c, d in four:
                result += [[a, b, c], [a, c, d]]
        elif any(own):
            rim = [
                v
                for c, e, is_split in zip(corners, edges, own, strict=True)
                for v in ((c, e) if is_split else (c,))
            ]
            result += [[a, b, middle] for a, b in zip(rim, rim[1:] + rim[:1], strict=True)]
        else:
            result += [corners[:3], [corners[0], *corners[2:]]]
        owners += [index] * (len(result) - start)
    return np.array(result, np.int32), np.array(owners, np.int64)


def _split_edges(
    quads: NDArray[np.int32], fine: NDArray[np.bool_], places: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(Q, 4) whether the edge after each corner belongs to a fine quad, too; an edge is known by its middle."""
    middles = places[quads[:, :, 1]]
    return np.isin(middles, middles[fine])


def _torn(quads: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Quads within which the texture has a seam: their quarters do not share their vertices."""
    middles, edges = quads[:, :, 2], quads[:, :, 1]
    torn: NDArray[np.bool_] = (middles != middles[:, :1]).any(1) | (
        edges != np.roll(quads[:, :, 3], -1, 1)
    ).any(1)
    return torn


def _bent(surface: SkinSurface, quads: NDArray[np.int32]) -> NDArray[np.bool_]:
    rest = surface.rest
    corners, edges, middle = rest[quads[:, :, 0]], rest[quads[:, :, 1]], rest[quads[:, 0, 2]]
    off_edges = np.linalg.norm(edges - (corners + np.roll(corners, -1, 1)) / 2, axis=2).max(1)
    off_middle = np.linalg.norm(middle - corners.mean(1), axis=1)
    bent: NDArray[np.bool_] = np.maximum(off_edges, off_middle) > _COARSE_METRES
    return bent


def _sockets(rig: BakedRig, surface: SkinSurface, quads: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Quads that line the eye sockets, with none beside them that could be seen."""
    hidden = np.zeros(len(surface.rest), bool)
    for name in ("eye_left", "eye_right"):
        center, radius = eye_sphere(rig, name)
        near = np.linalg.norm(surface.rest - center, axis=1) < _SOCKET_RADII * radius
        hidden |= near & (surface.rest[:, 2] < center[2] + radius / 4)
    hidden &= surface.openness < _DARK
    inner = hidden[quads].all((1, 2))
    rim = np.unique(quads[~inner])
    return np.asarray(inner & ~np.isin(quads, rim).any((1, 2)), bool)


def _curve(uv: NDArray[np.float32]) -> NDArray[np.int64]:
    """(n,) places along a Z-order curve, on which neighbours are mostly near each other."""
    scaled = (np.clip(uv / 2, 0, 1) * (2**_ORDER_BITS - 1)).astype(np.int64)
    result = np.zeros(len(uv), np.int64)
    for bit in range(_ORDER_BITS):
        for axis in range(2):
            result |= ((scaled[:, axis] >> bit) & 1) << (2 * bit + axis)
    return result
