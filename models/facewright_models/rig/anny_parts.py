"""Geometry that the package lacks or only hints at: round eyeballs, brows, hair and beard shells.

Everything is bound to the skin (or to the package's own eyeballs and hair volume), so that every target
of the rig carries it along. Units: decimetres, neutral pose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig.parts import BakePart, Binding, barycentric_binding, clip_by_field

__all__ = ["BROW_STYLES", "beard_parts", "brow_parts", "curtain_part", "eyeball_part", "shell"]

Array = NDArray[np.float64]
Offsets = Mapping[str, Array]

_IRIS_ANGLE = np.deg2rad(25.0)
_RING_ANGLES = np.deg2rad([0.0, 5.0, 10.0, 11.0, 17.0, 22.5, 25.0, 26.5, 34.0, 48.0, 65.0, 85.0, 110.0])
_EYE_SEGMENTS = 32

# Brow curves as (x, y, half thickness) from the inner end to the tail, subject's left side.
BROW_STYLES: dict[str, list[tuple[float, float, float]]] = {
    "natural": [
        (0.125, 7.445, 0.026),
        (0.22, 7.485, 0.036),
        (0.35, 7.515, 0.033),
        (0.47, 7.500, 0.023),
        (0.575, 7.435, 0.008),
    ],
    "straight": [
        (0.120, 7.455, 0.026),
        (0.22, 7.470, 0.034),
        (0.35, 7.480, 0.034),
        (0.47, 7.475, 0.026),
        (0.575, 7.450, 0.010),
    ],
    "arched": [
        (0.135, 7.435, 0.018),
        (0.22, 7.490, 0.024),
        (0.37, 7.555, 0.022),
        (0.48, 7.525, 0.015),
        (0.575, 7.440, 0.006),
    ],
    "bushy": [
        (0.095, 7.440, 0.046),
        (0.21, 7.480, 0.060),
        (0.35, 7.512, 0.057),
        (0.48, 7.500, 0.042),
        (0.595, 7.430, 0.018),
    ],
    "thin": [
        (0.145, 7.450, 0.010),
        (0.23, 7.495, 0.014),
        (0.36, 7.525, 0.013),
        (0.47, 7.505, 0.009),
        (0.565, 7.445, 0.004),
    ],
}


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
    columns: int = 26,
    rows: int = 5,
) -> list[BakePart]:
    """One left and one right strip per brow style; the target `brow-thickness` widens them by half."""
    parts = []
    generator = np.random.default_rng(7)
    for style, curve in BROW_STYLES.items():
        knots = np.linspace(0, 1, len(curve))
        u = np.linspace(0, 1, columns)
        x, y, half = (np.interp(u, knots, [point[axis] for point in curve]) for axis in range(3))
        tangent = np.stack([np.gradient(x), np.gradient(y)], 1)
        across = np.stack([-tangent[:, 1], tangent[:, 0]], 1)
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        jitter = 1 + 0.35 * generator.standard_normal(columns) * (u > 0.05)
        v = np.linspace(-1, 1, rows)
        edge = np.where(np.abs(v) == 1, 1.0, 0.0)[None]
        spread = v[None] * half[:, None] * (1 + edge * 0.25 * (jitter[:, None] - 1))  # (columns, rows)
        grid = np.stack(
            [
                x[:, None] + across[:, None, 0] * spread,
                y[:, None] + across[:, None, 1] * spread,
                np.zeros_like(spread),
            ],
            -1,
        ).reshape(-1, 3)
        widen = np.concatenate([across[:, None] * spread[..., None], np.zeros((*spread.shape, 1))], -1)
        for side, sign, label in (("left", 1.0, 3), ("right", -1.0, 4)):
            points = grid * [sign, 1, 1]
            binding = barycentric_binding(points, skin, skin_triangles)
            vertices = binding.carry(skin)
            lift = binding.carry(normals) * np.where(np.abs(np.tile(v, columns)) == 1, 0.004, 0.016)[:, None]
            vertices = np.concatenate([points[:, :2], vertices[:, 2:]], 1) + lift
            offsets = {"brow-thickness": 0.6 * widen.reshape(-1, 3) * [sign, 1, 1]}
            triangles = _grid_triangles(columns, rows, flip=sign < 0)
            parts.append(
                BakePart(
                    name=f"brow_{side}_{style}",
                    vertices=vertices,
                    triangles=triangles,
                    labels=np.full(len(triangles), label, np.uint8),
                    offsets=offsets,
                    paint={"strand": np.repeat(generator.uniform(0, 1, columns), rows)},
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
    roughness: float = 0.0,
) -> BakePart:
    """The skin where `field` (V,) is positive, lifted along the normals by `thickness` (V,).

    The rim dips slightly under the skin, so that the shell grows out of it.
    """
    binding, triangles = clip_by_field(skin_triangles, field)
    generator = np.random.default_rng(11)
    amount = (binding.weights * thickness[binding.ids]).sum(1)
    inside = (binding.weights * field[binding.ids]).sum(1)
    bumps = 1 + roughness * generator.uniform(-1, 1, len(amount))
    lift = np.where(inside > 1e-6, amount * bumps + 0.006, -0.006)
    return BakePart(
        name=name,
        vertices=binding.carry(skin) + binding.carry(normals) * lift[:, None],
        triangles=triangles,
        labels=np.full(len(triangles), label, np.uint8),
        offsets={},
        paint={"strand": generator.uniform(0, 1, len(amount))},
        style=style,
        carrier=("skin", binding),
    )


def curtain_part(
    option: str,
    bottom: float,
    radius_at: Callable[[Array, Array], Array],
    volume: Array,
    *,
    columns: int = 72,
    rows: int = 22,
    opening_degrees: float = 62.0,
) -> BakePart:
    """Hanging hair: a sheet round the sides and the back, from the crown's rim down to `bottom` (y).

    `radius_at(angle, height)` is the horizontal distance from the head's axis; angle 0 is the back.
    The sheet follows the nearest vertices of `volume` (the package's hair helper).
    """
    generator = np.random.default_rng(13)
    angle = np.linspace(-(np.pi - np.deg2rad(opening_degrees)), np.pi - np.deg2rad(opening_degrees), columns)
    height = np.linspace(8.02, bottom, rows)
    a, h = (grid.ravel() for grid in np.meshgrid(angle, height, indexing="ij"))
    radius = radius_at(a, h)
    wave = 1 + 0.012 * np.sin(14 * a + 2.2 * h) + 0.006 * generator.standard_normal(columns).repeat(rows)
    drop = 0.05 * generator.standard_normal(columns).repeat(rows) * (h == height[-1])
    vertices = np.stack([np.sin(a) * radius * wave, h + drop, 0.32 - np.cos(a) * radius * wave * 1.12], 1)
    distance = ((vertices[:, None] - volume[None]) ** 2).sum(-1)
    ids = np.argsort(distance, 1)[:, :3]
    weights = 1 / (np.take_along_axis(distance, ids, 1) + 1e-3)
    binding = Binding(ids=ids, weights=weights / weights.sum(1, keepdims=True))
    triangles = _grid_triangles(columns, rows, flip=False)
    return BakePart(
        name=f"hair_{option}_curtain",
        vertices=vertices,
        triangles=triangles,
        labels=np.full(len(triangles), 2, np.uint8),
        offsets={},
        paint={"strand": generator.uniform(0, 1, columns).repeat(rows)},
        style=("hair", option),
        carrier=("hair_volume", binding),
    )


def beard_parts(
    skin: Array,
    skin_triangles: NDArray[np.int64],
    normals: Array,
    beard: Array,
    moustache: Array,
) -> list[BakePart]:
    """Full beard, goatee and moustache as shells over the painted stubble.

    `beard` and `moustache` are (V,) fields, positive inside, about one well inside.
    """
    chin = np.minimum(beard, (0.30 - np.abs(skin[:, 0])) / 0.12)
    shells = []
    for option, fields in {
        "moustache": {"moustache": (moustache, 0.035)},
        "goatee": {"moustache": (moustache, 0.035), "chin": (chin, 0.09)},
        "full_beard": {"moustache": (moustache, 0.035), "beard": (beard, 0.11)},
    }.items():
        for piece, (field, thickness) in fields.items():
            shells.append(
                shell(
                    f"beard_{option}_{piece}",
                    ("facial_hair", option),
                    1,
                    skin,
                    skin_triangles,
                    normals,
                    field,
                    thickness * np.clip(2.5 * field, 0, 1),
                    roughness=0.25,
                )
            )
    return shells


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
