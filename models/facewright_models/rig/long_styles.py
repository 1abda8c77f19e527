"""Hairstyles that hang from a parting, as grooms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig.barber import (
    DOWN,
    Barber,
    along_skin,
    combed,
    parted,
    taper,
)
from facewright_models.rig.groom import Groom
from facewright_models.rig.growth import Strands, grow, unit
from facewright_models.rig.strand_shaping import coiled, cut, kept_off, smooth_noise, smoothed, thinned

__all__ = ["bob", "fringe", "straight_long", "wavy_long"]

Array = NDArray[np.float64]


def bob(barber: Barber) -> list[Groom]:
    """To the jaw, tips turned in."""
    side = 0.16
    strands = _hanging(
        barber,
        count=1050,
        points=12,
        side=side,
        level=lambda r: np.full(len(r), 6.42),
        reach=2.4,
        volume=0.13,
        tuck=1.1,
    )
    return [barber.groom("locks", strands, 0.034, roll=0.25, contrast=0.17), barber.fine(combed(side))]


def straight_long(barber: Barber) -> list[Groom]:
    """Straight, over the shoulders, parted in the middle."""
    strands = _hanging(
        barber, count=960, points=13, side=0.04, level=lambda r: np.full(len(r), 5.35), reach=3.6, volume=0.10
    )
    return [barber.groom("locks", strands, 0.036, roll=0.25, contrast=0.17), barber.fine(combed(0.04))]


def wavy_long(barber: Barber) -> list[Groom]:
    """Long waves."""
    strands = _hanging(
        barber,
        count=630,
        points=19,
        side=0.10,
        level=lambda r: np.full(len(r), 5.45),
        reach=3.5,
        volume=0.13,
        bunch=1.1,
    )
    phase = 2.2 * smooth_noise(strands.points[:, 8], barber.generator, 0.5)
    phase += 0.2 * barber.generator.standard_normal(len(phase))
    arc = np.linalg.norm(np.diff(strands.points, axis=1), axis=-1).sum(1)
    wavy = coiled(strands, np.full(len(arc), 0.065), arc / 1.05, phase, grown=0.35, flat=0.6)
    wavy = kept_off(barber.surface, wavy, np.linspace(0.02, 0.07, 19))
    return [barber.groom("locks", wavy, 0.036, roll=0.25, contrast=0.10), barber.fine(combed(0.10))]


def fringe(barber: Barber) -> list[Groom]:
    """To the shoulders, with a fringe above the brows."""
    side = 0.0
    places = barber.surface.places
    bangs = (
        np.clip((places[:, 2] - 0.62) / 0.08, 0, 1) * np.clip((0.52 - np.abs(places[:, 0])) / 0.06, 0, 1)
    ) * (places[:, 1] > 7.85)
    strands = _hanging(
        barber, count=780, points=12, side=side, level=lambda r: np.full(len(r), 5.95), reach=3.0, volume=0.12,
        tuck=0.4, where=1 - 0.85 * bangs,
    )  # fmt: skip
    index = barber.roots(330, where=bangs)
    roots, normals = barber.places(index)
    layer = barber.generator.uniform(0, 1, len(index))

    def flow(points: Array, normals: Array, share: float) -> Array:
        fan = np.clip(points[:, :1] / 0.5, -1, 1) * [0.35, 0, 0]
        return along_skin(np.array([0, -0.6, 0.5]) + fan, normals) + 0.25 * DOWN

    front = grow(
        barber.surface, roots, lengths=np.full(len(index), 1.3), count=24, steps=2, flow=flow, inertia=0.6,
        height=lambda s: 0.03 + (0.05 + 0.07 * layer) * min(1, 4 * s), start=normals * 0.6 + np.array([0, 0.2, 1.0]),
    )  # fmt: skip
    arch = 7.615 - 0.10 * np.clip((np.abs(roots[:, 0]) - 0.3) / 0.25, 0, 1)
    front = thinned(cut(front, arch + 0.025 * barber.generator.standard_normal(len(index))), 10, 1.2)
    return [
        barber.groom("locks", strands, 0.036, roll=0.25, contrast=0.17),
        barber.groom("bangs", front, 0.026, roll=0.2, contrast=0.17, profile=taper(tip=0.7)),
        barber.fine(combed(0.0), lowest=7.4),
    ]


def _hanging(
    barber: Barber, *, count: int, points: int, side: float, level: Callable[[Array], Array], reach: float,
    volume: float, tuck: float = 0.0, back: float = 0.12, lift: float = 0.3, bunch: float = 1.3,
    where: Array | None = None,
) -> Strands:  # fmt: skip
    """Hair that falls from a parting to `level` (of roots (N, 3))."""
    index = barber.roots(count, where=where)
    roots, normals = barber.places(index)
    layer = 0.45 + 0.55 * np.sqrt(barber.generator.uniform(0, 1, len(index)))
    base = parted(side, back=back)
    before = np.clip((roots[:, 2] - 0.55) / 0.3, 0, 1)
    layer = layer * (1 - 0.75 * before * barber.generator.uniform(0, 1, len(index)))

    def flow(points: Array, normals: Array, share: float) -> Array:
        direction = unit(base(points, normals, share))
        axis = (np.array([0, 0, 0.25]) - points) * [1, 0, 1]
        direction = direction + tuck * np.clip(
            1 - (points[:, 1:2] - level(roots)[:, None]) / 0.35, 0, 1
        ) * unit(axis)
        face = np.clip((points[:, 2:] - 0.72) / 0.15, 0, 1) * np.clip((7.95 - points[:, 1:2]) / 0.15, 0, 1)
        inside = face * np.clip((0.66 - np.abs(points[:, :1])) / 0.08, 0, 1)
        led: Array = direction + inside * (np.sign(points[:, :1]) * [1.5, 0, 0] + np.array([0, 0, -0.5]))
        return led

    strands = grow(
        barber.surface, roots, lengths=np.full(len(index), reach), count=3 * points, steps=2, flow=flow, inertia=0.6,
        ears=0.02, hug=0.16, height=lambda s: 0.016 + volume * layer * min(1.0, s * reach / 0.40) ** 0.8,
        start=unit(base(roots, normals, 0.0)) + lift * normals,
    )  # fmt: skip
    ragged = level(roots) + 0.05 * barber.generator.standard_normal(len(index)) + 0.06 * (1 - layer)
    return thinned(cut(smoothed(strands), ragged), points, bunch)
