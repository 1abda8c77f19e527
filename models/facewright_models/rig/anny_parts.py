"""Geometry that the package lacks or only hints at: round eyeballs and what closes hair, brows and beards below.

Everything is bound to the skin (or to the package's own eyeballs), so that every target of the rig carries it
along. Units: decimetres, neutral pose.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig.brow_hair import BROW_STYLES, brow_curve
from facewright_models.rig.parts import BakePart, barycentric_binding, clip_by_field

__all__ = ["beard_parts", "brow_parts", "eyeball_part", "shell"]

Array = NDArray[np.float64]
Offsets = Mapping[str, Array]

_IRIS_ANGLE = np.deg2rad(25.0)
_RING_ANGLES = np.deg2rad([0.0, 5.0, 10.0, 11.0, 17.0, 22.5, 25.0, 26.5, 34.0, 48.0, 65.0, 85.0, 110.0])
_EYE_SEGMENTS = 32
_LAYER_INSET = 0.35
_BROW_SHADE = {"thin": 0.45, "soft": 0.35, "bushy": 0.7}


def eyeball_part(name: str, label: int, package_vertices: Array, package_offsets: Offsets) -> BakePart:
    """A sphere about the package's coarse eyeball, with rings at pupil, iris and limbus.

    Each offset of the package's eyeball is fitted by translation, rotation and scale, so that the sphere
    stays round under every target.
    """
    low, high = package_vertices.min(0), package_vertices.max(0)
    center = (low + high) / 2
    radius = float((high - low).max() / 2)
    turn = np.linspace(0, 2 * np.pi, _EYE_SEGMENTS, endpoint=False)
    directions = [np.array([[0.0, 0.0, 1.0]])]
    for angle in _RING_ANGLES[1:]:
        ring = np.stack(
            [np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn), np.full_like(turn, np.cos(angle))], 1
        )
        directions.append(ring)
    unit = np.concatenate(directions)
    vertices = center + radius * unit
    angles = np.arccos(np.clip(unit[:, 2], -1, 1))
    triangles: list[list[int]] = []
    for k in range(_EYE_SEGMENTS):
        following = (k + 1) % _EYE_SEGMENTS
        triangles.append([0, 1 + k, 1 + following])
        for ring_index in range(len(_RING_ANGLES) - 2):
            inner, outer = 1 + ring_index * _EYE_SEGMENTS, 1 + (ring_index + 1) * _EYE_SEGMENTS
            triangles.append([inner + k, outer + k, outer + following])
            triangles.append([inner + k, outer + following, inner + following])
    return BakePart(
        name=name,
        vertices=vertices,
        triangles=np.array(triangles),
        labels=np.full(len(triangles), label, np.uint8),
        offsets={
            target: _similarity_offsets(package_vertices - center, offset, vertices - center)
            for target, offset in package_offsets.items()
            if np.abs(offset).max() > 0
        },
        paint={
            "iris": (angles < _IRIS_ANGLE + 0.01).astype(float),
            "pupil": (angles < np.deg2rad(10.5)).astype(float),
            "limbus": ((angles > np.deg2rad(21.0)) & (angles < _IRIS_ANGLE + 0.01)).astype(float),
        },
    )


def brow_parts(
    skin: Array,
    skin_triangles: NDArray[np.int64],
    normals: Array,
    *,
    columns: int = 14,
    rows: int = 5,
) -> list[BakePart]:
    """Left and right, for each brow style, the shade of the brow on the skin, under its hairs.

    The channel strand is how much of the brow's colour shows; the target `brow-thickness` widens the strips.
    """
    parts = []
    for style in BROW_STYLES:
        u = np.linspace(0.02, 0.95, columns)
        middle, half, _, up = brow_curve(style, u)
        v = np.linspace(-1, 1, rows)
        spread = 0.85 * v[None] * half[:, None]  # (columns, rows)
        plane = middle[:, None] + up[:, None] * spread[..., None]
        grid = np.concatenate([plane, np.zeros((columns, rows, 1))], -1).reshape(-1, 3)
        widen = np.concatenate([up[:, None] * spread[..., None], np.zeros((*spread.shape, 1))], -1)
        ends = np.clip(np.minimum(u / 0.18, (1 - u) / 0.12), 0, 1)
        shade = (_BROW_SHADE.get(style, 0.6) * ends[:, None] * np.clip(1.0 - v[None] ** 2, 0, 1)).ravel()
        for side, sign, label in (("left", 1.0, 3), ("right", -1.0, 4)):
            points = grid * [sign, 1, 1]
            binding = barycentric_binding(points, skin, skin_triangles)
            vertices = np.concatenate([points[:, :2], binding.carry(skin)[:, 2:]], 1)
            triangles = _grid_triangles(columns, rows, flip=sign < 0)
            parts.append(
                BakePart(
                    name=f"brow_{side}_{style}",
                    vertices=vertices + 0.003 * binding.carry(normals),
                    triangles=triangles,
                    labels=np.full(len(triangles), label, np.uint8),
                    offsets={"brow-thickness": 0.6 * widen.reshape(-1, 3) * [sign, 1, 1]},
                    paint={"strand": shade},
                    style=("brows", style),
                    carrier=("skin", binding),
                )
            )
    return parts


def shell(
    name: str,
    style: tuple[str, str],
    label: int,
    skin: Array,
    skin_triangles: NDArray[np.int64],
    normals: Array,
    field: Array,
    thickness: Array,
    *,
    tone: float = 0.1,
) -> BakePart:
    """The skin where `field` (V,) is positive, lifted along the normals by `thickness` (V,).

    The rim dips slightly under the skin, so that the shell grows out of it.
    """
    binding, triangles = clip_by_field(skin_triangles, field)
    amount = (binding.weights * thickness[binding.ids]).sum(1)
    inside = (binding.weights * field[binding.ids]).sum(1)
    lift = np.where(inside > 1e-6, amount + 0.006, -0.006)
    return BakePart(
        name=name,
        vertices=binding.carry(skin) + binding.carry(normals) * lift[:, None],
        triangles=triangles,
        labels=np.full(len(triangles), label, np.uint8),
        offsets={},
        paint={"strand": np.full(len(amount), tone)},
        style=style,
        carrier=("skin", binding),
    )


def beard_parts(
    skin: Array, skin_triangles: NDArray[np.int64], normals: Array, beard: Array
) -> list[BakePart]:
    """Thin closed layers under the locks of the long beards.

    `beard` (V,) is positive where the beard grows, about one well inside.
    """
    chin = np.minimum(beard, (0.24 - np.abs(skin[:, 0])) / 0.12)
    chin = np.minimum(chin, (6.56 - skin[:, 1]) / 0.12)
    layers = []
    for option, field, thickness in (("goatee", chin, 0.02), ("full_beard", beard, 0.03)):
        layers.append(
            shell(
                f"beard_{option}_layer",
                ("facial_hair", option),
                1,
                skin,
                skin_triangles,
                normals,
                field - _LAYER_INSET,
                thickness * np.clip(1.5 * (field - _LAYER_INSET), 0, 1),
            )
        )
    return layers


def _grid_triangles(columns: int, rows: int, *, flip: bool) -> NDArray[np.int64]:
    triangles = []
    for c in range(columns - 1):
        for r in range(rows - 1):
            a, b = c * rows + r, (c + 1) * rows + r
            triangles += [[a, b, b + 1], [a, b + 1, a + 1]]
    result = np.array(triangles)
    return result[:, ::-1].copy() if flip else result


def _similarity_offsets(source: Array, offset: Array, points: Array) -> Array:
    """Least-squares translation + small rotation + scale of `offset` over `source`, applied to `points`."""
    count = len(source)
    system = np.zeros((count, 3, 7))
    system[:, :, :3] = np.eye(3)
    system[:, :, 3] = source
    system[:, :, 4:] = -_cross_matrices(source)
    solution = np.linalg.lstsq(system.reshape(-1, 7), offset.reshape(-1), rcond=None)[0]
    result: Array = solution[:3] + solution[3] * points + np.cross(solution[4:], points)
    return result


def _cross_matrices(vectors: Array) -> Array:
    """(N, 3) v -> (N, 3, 3) with M w = v x w; so w x v = -M w."""
    x, y, z = vectors.T
    zero = np.zeros_like(x)
    return np.stack([np.stack([zero, -z, y], 1), np.stack([z, zero, -x], 1), np.stack([-y, x, zero], 1)], 1)
