"""Brows, lashes and beards of the `anny` head as grooms of single hairs and small locks.

Units: decimetres, neutral pose; the subject's left is +X.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from facewright_models.rig.groom import Groom
from facewright_models.rig.growth import HeadSurface, Strands, grow, ribbon_groom, unit

__all__ = ["BEARD_STYLES", "BROW_STYLES", "beard_grooms", "brow_curve", "brow_grooms", "lash_grooms"]

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


def lash_grooms(surface: HeadSurface, lids: Mapping[str, tuple[Array, Array, Array, Array]]) -> list[Groom]:
    """Lashes of both eyes; `lids` maps a side to the vertices of eyeball, upper and lower lash strip, and to how
    far the skin (V,) sinks in a blink.
    """
    grooms = []
    for side, (ball, upper, lower, sinking) in lids.items():
        sunk = surface.sampled(sinking)
        center = (ball.min(0) + ball.max(0)) / 2
        generator = np.random.default_rng([47, len(grooms)])
        outer = 1.0 if side == "left" else -1.0
        for lid, strip, rows in (("upper", upper, 4), ("lower", lower, 3)):
            margin = _margin(strip, center, outer)
            near = np.linalg.norm(surface.places - center, axis=1) < 1.7 * float(ball.max(0)[0] - center[0])
            moving = sunk > 0.55 * sunk.max() if lid == "upper" else sunk < 0.2 * sunk.max()
            carrying = near & moving & (surface.place_normals[:, 2] > 0)
            grooms.append(_lashes(surface, carrying, margin, center, outer, side, lid, rows, generator))
    return grooms


def _margin(strip: Array, center: Array, outer: float) -> Array:
    """(M, 3) the lid's edge from the inner to the outer corner: of every column the vertices next to the eyeball."""
    angle = np.arctan2((strip[:, 0] - center[0]) * outer, np.abs(strip[:, 1] - center[1] - 0.0) + 0.03)
    bins = np.digitize(angle, np.linspace(angle.min(), angle.max() + 1e-9, 14))
    edge = []
    for column in np.unique(bins):
        members = strip[bins == column]
        near = members[np.argsort(np.linalg.norm(members - center, axis=1))[:2]]
        edge.append(near.mean(0))
    line = np.array(edge)
    line = line[np.argsort(line[:, 0] * outer)]
    for _ in range(3):
        line[1:-1] = 0.25 * line[:-2] + 0.5 * line[1:-1] + 0.25 * line[2:]
    return line


def _lashes(
    surface: HeadSurface, carrying: NDArray[np.bool_], margin: Array, center: Array, outer: float, side: str, lid: str,
    length: int,
    generator: np.random.Generator,
) -> Groom:  # fmt: skip
    top = lid == "upper"
    count = 56 if top else 30
    low, high = (0.10, 0.985) if top else (0.28, 0.96)
    u = np.linspace(low, high, count) + 0.3 / count * generator.standard_normal(count)
    knots = np.linspace(0, 1, len(margin))
    roots = np.stack([np.interp(u, knots, margin[:, axis]) for axis in range(3)], 1)
    roots += 0.004 * generator.standard_normal((count, 3)) * [0.3, 1.0 if top else 0.5, 0.6]
    clump = np.round(u * (15 if top else 10)) / (15 if top else 10)
    aimed = u + 0.55 * (clump - u)  # tips meet in small groups
    fan = (aimed - 0.42) * (1.9 if top else 1.5)
    vertical = 1.0 if top else -1.0
    forward = unit(np.stack([outer * fan, np.full(count, 0.30 * vertical), np.full(count, 1.15)], 1))
    upward = unit(np.stack([outer * 1.15 * fan, np.full(count, 1.0 * vertical), np.full(count, 0.42)], 1))
    longest = 0.080 if top else 0.040
    reach = (
        longest
        * np.interp(u, [0, 0.25, 0.7, 1.0], [0.42, 0.85, 1.0, 0.72])
        * generator.uniform(0.72, 1.08, count)
    )
    share = np.linspace(0, 1, length)[None, :, None]
    bent = share * forward[:, None] * (1 - 0.45 * share) + 0.55 * share**2 * upward[:, None] * (
        1.25 if top else 0.9
    )
    points = roots[:, None] + reach[:, None, None] * bent
    away = unit(points - center)
    if top:  # with the lid they turn from upwards to downwards
        down = 0.92 * (share * forward[:, None] * [1, 0, 1] + share**1.3 * np.array([0, -0.72, 0.0]))
    else:  # and these give way to it
        down = share * (forward[:, None] * [1, 0, 0.25] + np.array([0, -0.85, 0.0]))
    closing = reach[:, None, None] * (down - bent)
    name = side.capitalize()
    return ribbon_groom(
        surface, Strands(points=points, outward=away), generator, name=f"lashes_{side}_{lid}", style=None, label=1,
        width=(0.0040 if top else 0.0028) * generator.uniform(0.85, 1.15, count),
        profile=lambda s: np.clip(1.02 - s, 0, 1) ** 0.6, roll=0.15, contrast=0.08,
        openness=np.ones((count, length)), rigid=False, roundness=0.0, by_root=True, within=carrying,
        offsets={f"action:eyeBlink{name}": closing, f"action:eyeSquint{name}": 0.3 * closing},
    )  # fmt: skip


Region = Callable[[Array, Array, Array], Array]
"""(N, 3) skin points, their beard and moustache fields (N,) -> (N,) density in [0,1]."""


def _goatee(points: Array, beard: Array, moustache: Array) -> Array:
    chin = np.clip((0.27 - np.abs(points[:, 0])) / 0.05, 0, 1) * np.clip((6.64 - points[:, 1]) / 0.05, 0, 1)
    return np.maximum(_clip(beard) * chin, _clip(moustache))


def _chin_strap(points: Array, beard: Array, moustache: Array) -> Array:
    edge = 6.42 + 0.95 * np.clip((np.abs(points[:, 0]) - 0.36) / 0.36, 0, 1)
    return _clip(beard) * np.clip((edge - points[:, 1]) / 0.04, 0, 1)


def _sideburns(points: Array, beard: Array, moustache: Array) -> Array:
    return (
        _clip(beard)
        * np.clip((np.abs(points[:, 0]) - 0.44) / 0.06, 0, 1)
        * np.clip((points[:, 1] - 6.38) / 0.06, 0, 1)
    )


def _clip(field: Array) -> Array:
    result: Array = np.clip(field * 1.6, 0, 1)
    return result


BEARD_STYLES: dict[str, tuple[Region, float, int] | None] = {
    "none": None,
    "stubble": None,
    "moustache": (lambda p, b, m: _clip(m), 0.0, 0),
    "goatee": (_goatee, 0.17, 700),
    "full_beard": (lambda p, b, m: _clip(b), 0.34, 1700),
    "short_beard": (lambda p, b, m: _clip(b), 0.10, 2600),
    "chin_strap": (_chin_strap, 0.09, 1500),
    "sideburns": (_sideburns, 0.10, 1100),
}
"""Option -> where it grows, how long (decimetres) and how many locks, the moustache's aside; None: nothing but paint."""
_MOUSTACHE_LENGTH = {"moustache": 0.16, "goatee": 0.13, "full_beard": 0.17, "short_beard": 0.075}


def beard_grooms(surface: HeadSurface, beard: Array, moustache: Array) -> list[Groom]:
    """Every beard's grooms; the fields (V,) are positive where hair grows, about one well inside."""
    fields = surface.sampled(beard), surface.sampled(moustache)
    grooms = []
    for index, (style, settings) in enumerate(BEARD_STYLES.items()):
        if settings is None:
            continue
        region, length, count = settings
        generator = np.random.default_rng([53, index])
        if count:
            density = region(surface.places, *fields)
            if style in _MOUSTACHE_LENGTH:
                density = density * (fields[1] < 0.25)
            grooms.append(_locks(surface, style, density, count, length, generator))
        if style in _MOUSTACHE_LENGTH:
            grooms.append(_moustache(surface, style, _clip(fields[1]), generator))
    return grooms


def _locks(
    surface: HeadSurface,
    style: str,
    density: Array,
    count: int,
    length: float,
    generator: np.random.Generator,
) -> Groom:
    index = surface.scatter(density, count, generator)
    roots, normals = surface.places[index], surface.place_normals[index]
    rim = density[index]
    low = np.clip((6.75 - roots[:, 1]) / 0.4, 0, 1)
    reach = length * (0.45 + 0.55 * low) * (0.45 + 0.55 * rim) * generator.uniform(0.75, 1.15, len(index))
    stray = 0.30 * generator.standard_normal((len(index), 3))
    toward = np.stack(
        [
            -0.45 * np.sign(roots[:, 0]) * np.clip(np.abs(roots[:, 0]), 0, 0.4),
            np.full(len(index), -1.0),
            np.full(len(index), 0.12),
        ],
        1,
    )

    def flow(points: Array, normals: Array, share: float) -> Array:
        return toward + (0.55 - 0.35 * share) * normals + stray

    points = 5 if length > 0.2 else 4
    strands = grow(
        surface, roots, lengths=reach, count=points, steps=2, flow=flow, inertia=0.5,
        height=lambda s: 0.008 + 0.25 * reach * s, start=normals + toward,
    )  # fmt: skip
    width = (0.021 if length > 0.2 else 0.0105) * generator.uniform(0.7, 1.3, len(index))
    share = np.linspace(0.55, 1.0, points)
    return ribbon_groom(
        surface, strands, generator, name=f"beard_{style}_locks", style=("facial_hair", style), label=1, width=width,
        profile=lambda s: np.sqrt(np.clip(1.02 - s, 0, 1)), roll=0.45, contrast=0.2,
        openness=np.tile(share, (len(index), 1)), rigid=False, roundness=0.25, by_root=True,
    )  # fmt: skip


def _moustache(surface: HeadSurface, style: str, density: Array, generator: np.random.Generator) -> Groom:
    count = 420 if style != "short_beard" else 380
    index = surface.scatter(density, count, generator)
    roots, normals = surface.places[index], surface.place_normals[index]
    side = np.where(roots[:, 0] < 0, -1.0, 1.0)[:, None]
    reach = (
        _MOUSTACHE_LENGTH[style]
        * generator.uniform(0.6, 1.1, len(index))
        * np.clip(0.55 + 2.5 * np.abs(roots[:, 0]), 0, 1)
    )
    stray = 0.22 * generator.standard_normal((len(index), 3))

    def flow(points: Array, normals: Array, share: float) -> Array:
        outward = np.clip(np.abs(points[:, :1]) / 0.12, 0.15, 1)
        return (
            side * outward * [1.0, 0, 0] + np.array([0, -0.75, 0.0]) + (0.35 - 0.3 * share) * normals + stray
        )

    strands = grow(
        surface, roots, lengths=reach, count=5, steps=2, flow=flow, inertia=0.5,
        height=lambda s: 0.010 + 0.035 * np.full(len(index), np.sin(np.pi * min(s, 0.6))), start=0.6 * normals + flow(roots, normals, 0.0),
    )  # fmt: skip
    return ribbon_groom(
        surface, strands, generator, name=f"beard_{style}_moustache", style=("facial_hair", style), label=1,
        width=0.0115 * generator.uniform(0.7, 1.3, len(index)), profile=lambda s: np.sqrt(np.clip(1.02 - s, 0, 1)), roll=0.3,
        contrast=0.18, openness=np.tile(np.linspace(0.6, 1.0, 5), (len(index), 1)), rigid=False, roundness=0.2, by_root=True,
    )  # fmt: skip
