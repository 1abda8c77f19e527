"""Hairstyles that are gathered at a tie, as grooms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig.barber import (
    DOWN,
    Barber,
    along_skin,
)
from facewright_models.rig.groom import Groom
from facewright_models.rig.growth import CENTER, Flow, Strands, grow, unit

__all__ = ["bun", "ponytail"]

Array = NDArray[np.float64]


def ponytail(barber: Barber) -> list[Groom]:
    """Gathered at the back, hanging to the shoulders."""
    tie = np.array([0.0, 7.86, -0.70])
    locks, fine = _gathered(barber, tie, count=930, volume=0.04)
    count = 230
    generator = barber.generator
    around = generator.uniform(0, 2 * np.pi, count)
    radius = 0.085 * np.sqrt(generator.uniform(0, 1, count))
    offset = np.stack([np.cos(around), 0.8 * np.sin(around), 0.25 * np.sin(around)], 1) * radius[:, None]
    roots = tie + np.array([0, 0, 0.02]) + offset
    lengths = 2.1 * generator.uniform(0.82, 1.05, count)

    def flow(points: Array, normals: Array, share: float) -> Array:
        pull = 1.0 * (tie * [1, 0, 0] - points * [1, 0, 0]) * max(0.0, share - 0.35)
        out = 7 * offset * max(0.0, 0.30 - share) + np.array([0, 0.2, -1.0]) * max(0.0, 0.24 - share) * 5
        falling: Array = DOWN * (0.3 + 1.2 * min(1.0, 3.5 * share))
        led: Array = falling + out + pull + np.array([0, 0, 0.05])
        return led

    strands = grow(
        barber.surface, roots, lengths=lengths, count=15, steps=2, flow=flow, inertia=0.75,
        height=lambda s: np.full(count, 0.06 if s > 0.3 else -0.1),
        start=unit(offset) * 0.4 + np.array([0, 0.35, -1.0]),
    )  # fmt: skip
    tail = barber.groom("tail", strands, 0.045, roll=0.5, contrast=0.18, hang=7.8, roundness=0.2)
    return [locks, fine, tail, _band(barber, tie + [0, 0.015, -0.05], unit(np.array([0, 0.3, -1.0])), 0.10)]


def bun(barber: Barber) -> list[Groom]:
    """Gathered high and knotted."""
    tie = np.array([0.0, 8.16, -0.50])
    locks, fine = _gathered(barber, tie, count=960, volume=0.04)
    axis = unit(tie - (CENTER + [0, 0.1, 0]))
    center = tie + 0.13 * axis
    side = unit(np.cross(axis, np.array([1.0, 0, 0])))
    other = np.cross(axis, side)
    generator = barber.generator
    count, length = 240, 11
    ring = generator.uniform(0, 2 * np.pi, count)
    tilt = generator.uniform(0, 2 * np.pi, count)
    share = np.linspace(0, 1, length)[None]
    turn = ring[:, None] + 1.9 * share
    minor = tilt[:, None] + 1.5 * share
    thick = 0.125 * generator.uniform(0.9, 1.06, count)[:, None]
    circle = np.cos(turn)[..., None] * side + np.sin(turn)[..., None] * other
    outward = np.cos(minor)[..., None] * circle + np.sin(minor)[..., None] * axis
    points = center + 0.135 * circle + thick[..., None] * outward
    knot = Strands(points=points, outward=outward)
    openness = np.clip(0.62 + 0.38 * (outward @ axis), 0.3, 1) * np.clip(
        0.4 + 0.6 * np.sin(np.pi * (0.1 + 0.8 * share)), 0, 1
    )
    return [
        locks,
        fine,
        barber.groom("knot", knot, 0.05, roll=0.12, openness=openness, roundness=0.0, hang=7.8),
    ]


def _gathered(barber: Barber, tie: Array, *, count: int, volume: float) -> tuple[Groom, Groom]:
    index = barber.roots(count, jitter=0.015)
    roots, normals = barber.places(index)
    radius = np.linalg.norm(roots - CENTER, axis=1)
    angle = np.arccos(np.clip((unit(roots - CENTER) * unit(tie - CENTER)).sum(1), -1, 1))
    layer = barber.generator.uniform(0.3, 1.0, len(index))
    flow = _to_tie(tie)
    strands = grow(
        barber.surface, roots, lengths=1.12 * radius * angle, count=10, steps=4, flow=flow, inertia=0.35, hug=0.5,
        height=lambda s: 0.010 + volume * layer * min(1.0, 4 * s) * (1 - 0.4 * s),
        start=unit(flow(roots, normals, 0.0)),
    )  # fmt: skip
    share = np.linspace(0, 1, 10)[None, :, None] ** 5
    points = strands.points + share * (
        tie + 0.03 * barber.generator.standard_normal((len(index), 1, 3)) - strands.points[:, -1:]
    )
    strands = replace(strands, points=points)
    locks = barber.groom("locks", strands, 0.032, roll=0.10, contrast=0.12)
    return locks, barber.fine(flow, length=0.14, rise=0.12)


def _to_tie(tie: Array) -> Flow:
    def flow(points: Array, normals: Array, share: float) -> Array:
        return along_skin(tie - points, normals)

    return flow


def _band(barber: Barber, center: Array, axis: Array, radius: float) -> Groom:
    """Hair wound round the tie."""
    side = unit(np.cross(axis, np.array([1.0, 0, 0])))
    other = np.cross(axis, side)
    count, length = 14, 9
    start = np.linspace(0, 2 * np.pi, count, endpoint=False)
    angle = start[:, None] + np.linspace(0, 2.6, length)[None]
    along = np.linspace(-0.045, 0.045, count)[:, None, None] * axis
    ring = np.cos(angle)[..., None] * side + np.sin(angle)[..., None] * other
    points = center + radius * ring + along
    strands = Strands(points=points, outward=ring)
    return barber.groom(
        "band", strands, 0.05, roll=0.1, openness=np.full((count, length), 0.7), hang=9.0, roundness=0.0
    )
