"""Facial hair of the `anny` head as grooms of small locks.

Units: decimetres, neutral pose; the subject's left is +X.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig.groom import Groom
from facewright_models.rig.growth import HeadSurface, grow, ribbon_groom

__all__ = ["BEARD_STYLES", "beard_grooms"]

Array = NDArray[np.float64]
_CHEEK = 0.3
"""How far within its field a beard begins: high on the cheeks it looks glued on."""

Region = Callable[[Array, Array, Array], Array]
"""(N, 3) skin points, their beard and moustache fields (N,) -> (N,) density in [0,1]."""


def _clip(field: Array) -> Array:
    result: Array = np.clip(field * 1.6, 0, 1)
    return result


def _goatee(points: Array, beard: Array, moustache: Array) -> Array:
    chin = np.clip((0.27 - np.abs(points[:, 0])) / 0.05, 0, 1) * np.clip((6.64 - points[:, 1]) / 0.05, 0, 1)
    return np.maximum(_clip(beard) * chin, _clip(moustache))


def _chin_strap(points: Array, beard: Array, moustache: Array) -> Array:
    edge = 6.42 + 0.95 * np.clip((np.abs(points[:, 0]) - 0.36) / 0.36, 0, 1)
    return _clip(beard) * np.clip((edge - points[:, 1]) / 0.04, 0, 1)


def _sideburns(points: Array, beard: Array, moustache: Array) -> Array:
    return (
        _clip(beard)
        * np.clip((np.abs(points[:, 0]) - 0.54) / 0.06, 0, 1)
        * np.clip((points[:, 1] - 6.38) / 0.06, 0, 1)
    )


BEARD_STYLES: dict[str, tuple[Region, float, int] | None] = {
    "none": None,
    "stubble": None,
    "moustache": (lambda p, b, m: _clip(m), 0.0, 0),
    "goatee": (_goatee, 0.17, 700),
    "full_beard": (lambda p, b, m: _clip(b - _CHEEK), 0.34, 1700),
    "short_beard": (lambda p, b, m: _clip(b - _CHEEK), 0.10, 2600),
    "chin_strap": (_chin_strap, 0.09, 1900),
    "sideburns": (_sideburns, 0.10, 2000),
}
"""Option -> where it grows, how long (decimetres) and how many locks, the moustache's aside; None: only paint."""
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
        sideways: Array = side * outward * [1.0, 0, 0]
        led: Array = sideways + np.array([0, -0.75, 0.0]) + (0.35 - 0.3 * share) * normals + stray
        return led

    strands = grow(
        surface, roots, lengths=reach, count=5, steps=2, flow=flow, inertia=0.5,
        height=lambda s: 0.010 + 0.035 * np.full(len(index), np.sin(np.pi * min(s, 0.6))),
        start=0.6 * normals + flow(roots, normals, 0.0),
    )  # fmt: skip
    return ribbon_groom(
        surface, strands, generator, name=f"beard_{style}_moustache", style=("facial_hair", style), label=1,
        width=0.0115 * generator.uniform(0.7, 1.3, len(index)), profile=lambda s: np.sqrt(np.clip(1.02 - s, 0, 1)),
        roll=0.3, contrast=0.18, openness=np.tile(np.linspace(0.6, 1.0, 5), (len(index), 1)), rigid=False,
        roundness=0.2, by_root=True,
    )  # fmt: skip
