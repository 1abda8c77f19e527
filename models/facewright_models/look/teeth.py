"""Teeth: single crowns and gums along the dental arches of the rig, which only has two plain horseshoes.

Every vertex keeps its place relative to the nearest vertices of the rig's arch, so that teeth follow jaw, mouth and
head sliders. Crown widths in millimetres: Wheeler's "Dental Anatomy", means of adults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from facewright_models.look.dress import Pose, lasting
from facewright_models.look.shading import srgb_to_linear
from facewright_models.rig import BakedRig
from facewright_renderer import Mesh, Preset

__all__ = ["TEETH_ROUGHNESS", "DentalArch", "FineTeeth", "dental_arch"]

_UPPER_MM = (8.6, 6.6, 7.6, 7.0, 6.8, 10.2, 9.6)
_LOWER_MM = (5.3, 5.9, 6.9, 7.0, 7.1, 11.2, 10.4)
_GAP = 0.0002
_CROWN = 0.0098
_SET_BACK = 0.0012  # behind the lips' inner side
_CLOSED_METRES, _OPEN_METRES = 0.003, 0.009
"""Between the lips' inner marks: how far they are apart when no light falls in, and when all of it does."""
_ACROSS: Mapping[Preset, int] = {"full": 7, "draft": 5}
_GUM_ACROSS: Mapping[Preset, int] = {"full": 90, "draft": 30}
_ROWS_KEPT: Mapping[Preset, slice] = {"full": slice(None), "draft": slice(None, None, 2)}
_ROWS = np.array([0.0, 0.18, 0.4, 0.62, 0.82, 0.95, 1.0, 1.0, 1.0])
_INWARD = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0003, 0.0011, 0.0030, 0.0055])
_ENAMEL, _NECK, _GUM = (0.86, 0.83, 0.77), (0.80, 0.73, 0.60), (0.66, 0.36, 0.35)
TEETH_ROUGHNESS = 0.32
Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class DentalArch:
    """One jaw's teeth: carriers `ids` (W, 3) among the part's vertices with `weights`, where each vertex lies `beside`
    what they carry (W, 3), `colors` (W, 3) linear in full light; `corner_sums` (W, T)
    adds up what is known of the triangles at each vertex.
    """

    beside: Array
    ids: NDArray[np.int64]
    weights: Array
    triangles: NDArray[np.int32]
    colors: Array
    labels: NDArray[np.uint8]
    corner_sums: csr_matrix


@lru_cache(maxsize=8)
def dental_arch(rig: BakedRig, name: str, preset: Preset = "full") -> DentalArch:
    """The teeth over the rig's part `name` (upper_teeth or lower_teeth)."""
    neutral = rig.average(name).astype(float)
    upper = name.startswith("upper")
    low, high = neutral.min(0), neutral.max(0)
    half_width, back, depth = (high[0] - low[0]) / 2, low[2], high[2] - low[2]
    edge = low[1] - 0.0012 if upper else high[1] - 0.0036
    grow = 1.0 if upper else -1.0  # from the biting edge to the gum
    pieces: list[tuple[Array, NDArray[np.int64], Array]] = []
    distance = 0.0
    inset = _SET_BACK if upper else _SET_BACK + 0.0022
    for index, width in enumerate(_UPPER_MM if upper else _LOWER_MM):
        pieces += [
            _crown(
                half_width,
                depth,
                back,
                edge,
                grow,
                side,
                distance,
                width / 1000,
                index,
                inset=inset,
                preset=preset,
            )
            for side in (-1.0, 1.0)
        ]
        distance += width / 1000
    pieces.append(_gum(half_width, depth, back, edge, grow, distance, inset=inset, preset=preset))
    starts = np.cumsum([0, *(len(points) for points, _, _ in pieces)])
    rest = np.concatenate([points for points, _, _ in pieces]).astype(np.float32)
    triangles = np.concatenate([t + s for (_, t, _), s in zip(pieces, starts, strict=False)]).astype(np.int32)
    away, ids = cKDTree(neutral).query(rest, k=3)
    weights = 1 / (away + 1e-4)
    weights /= weights.sum(1, keepdims=True)
    carried = np.einsum("wk,wkc->wc", weights, neutral[ids])
    return DentalArch(
        beside=(rest - carried).astype(np.float32),
        ids=ids,
        weights=weights.astype(np.float32),
        triangles=lasting(triangles),
        colors=np.concatenate([colors for _, _, colors in pieces]).astype(np.float32),
        labels=lasting(np.full(len(triangles), 9, np.uint8)),
        corner_sums=_corner_sums(triangles, len(rest)),
    )


class FineTeeth:
    """One jaw's teeth."""

    def __init__(self, rig: BakedRig, part: str) -> None:
        self._rig, self._part = rig, part

    def posed(self, pose: Pose) -> Mesh:
        """The teeth where the rig's vertices carry them, as light as the lips let them be."""
        arch = dental_arch(self._rig, self._part, pose.preset)
        carried = np.einsum("wk,wkc->wc", arch.weights, pose.of(self._part)[arch.ids])
        vertices = (carried + arch.beside @ pose.rotation.T).astype(np.float32)
        gap = float(np.linalg.norm(pose.landmarks[62] - pose.landmarks[66]))
        light = np.clip((gap - _CLOSED_METRES) / (_OPEN_METRES - _CLOSED_METRES), 0, 1)
        return Mesh(
            vertices=vertices,
            triangles=arch.triangles,
            normals=_unit(arch.corner_sums @ np.cross(*_edges(vertices[arch.triangles]))),
            colors=arch.colors * np.float32(0.04 + 0.96 * light),
            labels=arch.labels,
            roughness=TEETH_ROUGHNESS,
            front_only=True,
        )


def _crown(
    half_width: float,
    depth: float,
    back: float,
    edge: float,
    grow: float,
    side: float,
    start: float,
    width: float,
    index: int,
    *,
    inset: float,
    preset: Preset,
) -> tuple[Array, NDArray[np.int64], Array]:
    """One tooth: its face from the gum to the biting edge, then back over the edge."""
    s = np.linspace(-1, 1, _ACROSS[preset])
    down, inward = _ROWS[_ROWS_KEPT[preset]], _INWARD[_ROWS_KEPT[preset]]
    rows = len(down)
    height = _CROWN * (1.0, 0.93, 1.04, 0.86, 0.80, 0.72, 0.68)[index]
    narrow = 0.80 + 0.20 * np.clip(down / 0.6, 0, 1)  # slimmer at the neck
    along = start + width / 2 + (width / 2 - _GAP) * s[None] * narrow[:, None]  # (rows, across)
    bulge = 0.0009 * (1 - np.abs(s) ** 2.5)[None] * np.sin(np.clip(down, 0.08, 0.9) * np.pi)[:, None]
    cut = 0.0007 * np.abs(s) ** 4 + (
        0.0007 * np.abs(s) if index == 2 else 0
    )  # rounded corners; a canine's point
    rise = height * (1 - down)[:, None] + cut[None] * np.clip((down - 0.5) / 0.5, 0, 1)[:, None]
    place, out = _on_arch(along, half_width, depth, back)
    points = place + out * (bulge - inward[:, None] - inset + 0.0002)[..., None]
    points[..., 1] = edge + grow * rise
    points[..., 0] *= side
    tone = np.clip(down, 0, 1)[:, None, None]
    color = srgb_to_linear(_NECK) * (1 - tone) + srgb_to_linear(_ENAMEL) * tone
    color = color * _light(index) * (1 - 0.35 * np.abs(s) ** 6)[None, :, None]
    triangles = _grid(rows, len(s), flip=(side < 0) != (grow < 0))
    return points.reshape(-1, 3), triangles, np.broadcast_to(color, (rows, len(s), 3)).reshape(-1, 3)


def _gum(
    half_width: float,
    depth: float,
    back: float,
    edge: float,
    grow: float,
    reach: float,
    *,
    inset: float,
    preset: Preset,
) -> tuple[Array, NDArray[np.int64], Array]:
    along = np.linspace(-reach, reach, _GUM_ACROSS[preset])
    rise = _CROWN * np.array([0.55, 0.80, 0.92, 1.05, 1.5, 2.1])
    forward = np.array([-0.0012, -0.0002, 0.0007, 0.0010, 0.0012, 0.0])
    place, out = _on_arch(np.abs(along), half_width, depth, back)
    points = place[None] + out[None] * (forward - inset)[:, None, None]
    points[..., 0] *= np.sign(along)[None]
    points[..., 1] = edge + grow * rise[:, None]
    light = np.interp(np.abs(along), [0, 0.02, 0.05], [0.62, 0.45, 0.18])
    color = (
        srgb_to_linear(_GUM)[None, None]
        * light[None, :, None]
        * np.array([0.7, 0.9, 1, 1, 0.9, 0.6])[:, None, None]
    )
    return points.reshape(-1, 3), _grid(6, len(along), flip=grow > 0), color.reshape(-1, 3)


def _on_arch(along: Array, half_width: float, depth: float, back: float) -> tuple[Array, Array]:
    """Metres along the half ellipse from its front -> (..., 3) places (y is 0) and outward directions."""
    angle = np.linspace(0, np.pi / 2, 400)
    x, z = half_width * np.sin(angle), back + depth * np.cos(angle)
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
    a = np.interp(along, length, angle)
    place = np.stack([half_width * np.sin(a), np.zeros_like(a), back + depth * np.cos(a)], -1)
    out = np.stack([np.sin(a) / half_width, np.zeros_like(a), np.cos(a) / depth], -1)
    return place, out / np.linalg.norm(out, axis=-1, keepdims=True)


def _light(index: int) -> float:
    """Teeth further back lie in the cheeks' shadow."""
    return (0.92, 0.86, 0.74, 0.56, 0.40, 0.26, 0.16)[index]


def _grid(rows: int, columns: int, *, flip: bool) -> NDArray[np.int64]:
    r, c = (grid.ravel() for grid in np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij"))
    a, b = r * columns + c, (r + 1) * columns + c
    triangles = np.concatenate([np.stack([a, b, b + 1], 1), np.stack([a, b + 1, a + 1], 1)])
    return triangles[:, ::-1].copy() if flip else triangles


def _corner_sums(triangles: NDArray[np.int32], count: int) -> csr_matrix:
    """(W, T) with 1 where a triangle has a vertex."""
    columns = np.repeat(np.arange(len(triangles)), 3)
    ones = np.ones(len(columns), np.float32)
    return csr_matrix((ones, (triangles.ravel(), columns)), (count, len(triangles)))


def _edges(corners: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(T, 3, 3) -> two edges (T, 3) of each triangle."""
    return corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    result: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-12)[:, None]
    return result
