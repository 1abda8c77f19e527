"""The brows of the `anny` head: their curves and their hairs.

Units: decimetres, neutral pose; the subject's left is +X.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from facewright_models.rig.groom import Groom
from facewright_models.rig.growth import HeadSurface, Strands, ribbon_groom, unit

__all__ = ["BROW_STYLES", "brow_curve", "brow_grooms"]

Array = NDArray[np.float64]
_SIDES = (("left", 1.0, 3), ("right", -1.0, 4))
# Brow curves as (x, y, half thickness) from the inner end to the tail, subject's left side.
BROW_STYLES: dict[str, list[tuple[float, float, float]]] = {
    "natural": [
        (0.120, 7.445, 0.030), (0.22, 7.480, 0.036), (0.35, 7.515, 0.032), (0.47, 7.502, 0.022), (0.580, 7.438, 0.007),
    ],
    "straight": [
        (0.118, 7.455, 0.028), (0.22, 7.470, 0.034), (0.35, 7.482, 0.034), (0.47, 7.478, 0.026), (0.580, 7.452, 0.009),
    ],
    "arched": [
        (0.130, 7.435, 0.020), (0.22, 7.485, 0.026), (0.37, 7.552, 0.023), (0.48, 7.525, 0.015), (0.580, 7.440, 0.005),
    ],
    "bushy": [
        (0.095, 7.440, 0.048), (0.21, 7.480, 0.060), (0.35, 7.512, 0.056), (0.48, 7.500, 0.042), (0.600, 7.430, 0.016),
    ],
    "thin": [
        (0.145, 7.452, 0.011), (0.23, 7.495, 0.014), (0.36, 7.525, 0.013), (0.47, 7.505, 0.009), (0.570, 7.445, 0.003),
    ],
    "rounded": [
        (0.125, 7.438, 0.024), (0.21, 7.492, 0.029), (0.32, 7.530, 0.029), (0.45, 7.520, 0.023), (0.575, 7.435, 0.007),
    ],
    "angular": [
        (0.118, 7.432, 0.032), (0.24, 7.478, 0.034), (0.39, 7.545, 0.029), (0.45, 7.532, 0.021), (0.590, 7.440, 0.006),
    ],
    "soft": [
        (0.135, 7.448, 0.026), (0.23, 7.480, 0.031), (0.35, 7.506, 0.029), (0.46, 7.494, 0.021), (0.560, 7.445, 0.008),
    ],
    "short": [
        (0.130, 7.450, 0.034), (0.21, 7.478, 0.040), (0.31, 7.500, 0.037), (0.40, 7.498, 0.027), (0.480, 7.470, 0.009),
    ],
    "lifted": [
        (0.122, 7.425, 0.026), (0.22, 7.460, 0.032), (0.36, 7.520, 0.029), (0.48, 7.545, 0.020), (0.590, 7.530, 0.006),
    ],
}  # fmt: skip
_BROW_HAIRS = {"thin": 150, "soft": 150, "short": 190}
_BROW_LENGTH = {"bushy": 0.115, "thin": 0.062, "arched": 0.080, "soft": 0.085}


def brow_curve(style: str, share: Array) -> tuple[Array, Array, Array, Array]:
    """At shares (N,) from the inner end to the tail: points (N, 2), half thickness (N,), tangents and upward
    normals (N, 2); subject's left side.
    """
    curve = np.array(BROW_STYLES[style])
    knots = np.linspace(0, 1, len(curve))
    fine = np.linspace(0, 1, 101)
    smooth = np.stack([np.interp(fine, knots, curve[:, axis]) for axis in range(3)], 1)
    for _ in range(60):
        smooth[1:-1] = 0.25 * smooth[:-2] + 0.5 * smooth[1:-1] + 0.25 * smooth[2:]
    tangent = np.gradient(smooth[:, :2], axis=0)
    point, slope = (
        np.stack([np.interp(share, fine, values[:, axis]) for axis in range(2)], 1)
        for values in (smooth[:, :2], tangent)
    )
    slope = unit(slope)
    return point, np.interp(share, fine, smooth[:, 2]), slope, np.stack([-slope[:, 1], slope[:, 0]], 1)


def brow_grooms(surface: HeadSurface) -> list[Groom]:
    """The hairs of every brow style, left and right."""
    front = _frontmost(surface, (surface.places[:, 2] > 0.8) & (np.abs(surface.places[:, 1] - 7.52) < 0.22))
    skin = _Front(surface, front)
    grooms = []
    for index, style in enumerate(BROW_STYLES):
        generator = np.random.default_rng([43, index])
        for side, sign, label in _SIDES:
            grooms.append(_brow(surface, front, skin, style, side, sign, label, generator))
    return grooms


def _frontmost(surface: HeadSurface, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(samples,) those of the chosen behind which, not before which, folds of the skin lie."""
    index = np.flatnonzero(chosen)
    places = surface.places[index]
    cells = np.floor(places[:, :2] / 0.03).astype(int)
    _, cell = np.unique(cells, axis=0, return_inverse=True)
    nearest = np.full(int(cell.max()) + 1, -np.inf)
    np.maximum.at(nearest, cell.ravel(), places[:, 2])
    kept = (places[:, 2] > nearest[cell.ravel()] - 0.06) & (surface.place_normals[index, 2] > 0.25)
    front = np.zeros(len(chosen), bool)
    front[index[kept]] = True
    return front


class _Front:
    """The skin's depth behind points of the frontal plane."""

    def __init__(self, surface: HeadSurface, chosen: NDArray[np.bool_]) -> None:
        self._places, self._normals = surface.places[chosen], surface.place_normals[chosen]
        self._tree = cKDTree(self._places[:, :2])

    def lift(self, plane: Array, height: Array) -> tuple[Array, Array]:
        """(..., 2) points and heights (...) above the skin -> (..., 3) points and normals."""
        distance, index = self._tree.query(plane.reshape(-1, 2), k=8)
        weight = 1 / (distance + 0.004) ** 2
        weight = (weight / weight.sum(1, keepdims=True))[..., None]
        normal = unit((self._normals[index] * weight).sum(1))
        near, slope = self._places[index], self._normals[index]
        step = plane.reshape(-1, 1, 2) - near[..., :2]
        depth = near[..., 2] - (step * slope[..., :2]).sum(-1) / np.maximum(slope[..., 2], 0.3)
        z = (depth[..., None] * weight).sum((1, 2))
        base = np.concatenate([plane.reshape(-1, 2), z[:, None]], 1)
        result = base + normal * height.reshape(-1, 1)
        return result.reshape(*plane.shape[:-1], 3), normal.reshape(*plane.shape[:-1], 3)


def _brow(
    surface: HeadSurface, front: NDArray[np.bool_], skin: _Front, style: str, side: str, sign: float, label: int,
    generator: np.random.Generator,
) -> Groom:  # fmt: skip
    count, length = _BROW_HAIRS.get(style, 205), 3
    u = np.clip(generator.beta(1.05, 1.25, count) * 1.04 - 0.02, 0, 1)
    v = np.clip(0.62 * generator.standard_normal(count), -1.25, 1.25)
    v *= np.where(u < 0.12, 1.1, 1.0)
    point, half, tangent, up = brow_curve(style, u)
    inner = np.clip(1 - u / 0.16, 0, 1)
    angle = np.deg2rad(
        72 * inner + (1 - inner) * (26 - 34 * u - (16 + 6 * u) * v)
    ) + 0.14 * generator.standard_normal(count)
    along = np.cos(angle)[:, None] * tangent + np.sin(angle)[:, None] * up
    bend = np.stack([along[:, 1], -along[:, 0]], 1) * (0.10 + 0.12 * inner)[:, None]
    reach = (
        _BROW_LENGTH.get(style, 0.09)
        * np.clip(0.42 + 2.4 * u, 0, 1)
        * (1.1 - 0.45 * u)
        * generator.uniform(0.7, 1.15, count)
    )
    reach = np.minimum(reach, 1.4 * half + 0.045)
    middle = point + up * (v * half)[:, None]
    share = np.linspace(0, 1, length)[None, :, None]
    plane = (
        middle[:, None]
        + (share - 0.45) * (reach[:, None] * along)[:, None]
        + share**2 * (reach[:, None] * bend)[:, None]
    )
    plane = plane * [sign, 1]
    height = 0.004 + 0.016 * np.linspace(0, 1, length)[None] * generator.uniform(0.4, 1, (count, 1))
    points, normals = skin.lift(plane, height)
    spread = np.zeros((count, length, 3))
    spread[..., :2] = (0.6 * up * (v * half)[:, None] * [sign, 1])[:, None]
    width = (0.0048 if style in {"thin", "soft"} else 0.0056) * generator.uniform(0.8, 1.2, count)
    return ribbon_groom(
        surface, Strands(points=points, outward=normals), generator, name=f"brow_{side}_{style}_hairs",
        style=("brows", style), label=label, width=width, profile=lambda s: 0.55 + 0.9 * s, roll=0.1,
        contrast=0.16, openness=np.tile(np.linspace(0.85, 1.0, length), (count, 1)), rigid=False, roundness=0.0,
        by_root=True, within=front, offsets={"brow-thickness": spread}, widen={"brow-thickness": 0.35},
    )  # fmt: skip
