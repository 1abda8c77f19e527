"""Short hairstyles as grooms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig.barber import (
    DOWN,
    WHORL,
    Barber,
    along_skin,
    combed,
    faint,
    from_whorl,
    loose,
    taper,
)
from facewright_models.rig.groom import Groom
from facewright_models.rig.growth import CENTER, grow, hairline, unit
from facewright_models.rig.strand_shaping import coiled, kept_off, smooth_noise

__all__ = ["afro", "buzz", "crop", "curls", "side_part"]

Array = NDArray[np.float64]


def buzz(barber: Barber) -> list[Groom]:
    """Cropped to three millimetres; the painted scalp closes it."""
    index = barber.roots(8000, jitter=0.05)
    roots, normals = barber.places(index)
    lengths = 0.035 * barber.generator.uniform(0.7, 1.2, len(index))

    def flow(points: Array, normals: Array, share: float) -> Array:
        return unit(from_whorl(points, normals)) + 0.5 * normals + 0.4 * DOWN

    strands = grow(
        barber.surface, roots, lengths=lengths, count=2, flow=flow, height=lambda s: np.zeros(len(roots)),
        inertia=0.3, start=flow(roots, normals, 0.0), steps=1,
    )  # fmt: skip
    hairs = barber.groom(
        "hairs", strands, 0.012, profile=taper(root=1.0, tip=0.0), openness=faint(strands), contrast=0.25
    )
    return [hairs]


def crop(barber: Barber) -> list[Groom]:
    """Short and textured, combed forward."""
    index = barber.roots(1750)
    roots, normals = barber.places(index)
    top = np.clip((roots[:, 1] - 7.65) / 0.45, 0, 1)
    nape = np.clip((7.1 - roots[:, 1]) / 0.35, 0, 1)
    lengths = (0.20 + 0.20 * top - 0.14 * nape) * barber.generator.uniform(0.75, 1.2, len(index))
    wander = 0.55 * smooth_noise(roots, barber.generator, 0.16)[:, None] * [1.0, 0, 0]

    def flow(points: Array, normals: Array, share: float) -> Array:
        forward = top[:, None] * np.array([0.0, 0.05, 0.9]) + (1 - top[:, None]) * np.array([0, -1.0, 0.0])
        rise = (0.75 * top[:, None] * (1 - 1.6 * share)) * normals
        return along_skin(0.6 * unit(from_whorl(points, normals)) + forward + wander, normals) + rise

    layer = barber.generator.uniform(0.5, 1.0, len(index))
    strands = grow(
        barber.surface, roots, lengths=lengths, count=7, flow=flow, inertia=0.55,
        height=lambda s: (0.022 + (0.03 + 0.10 * top) * layer * np.sin(np.pi * min(s, 0.62))),
        start=flow(roots, normals, 0.0) + 0.8 * normals * top[:, None],
    )  # fmt: skip
    locks = barber.groom(
        "locks", strands, 0.022 - 0.009 * nape, roll=0.5, contrast=0.2, profile=taper(tip=0.3)
    )
    return [locks, barber.fine(loose, length=0.10)]


def side_part(barber: Barber) -> list[Groom]:
    """Short sides, the top swept over from a parting on the left."""
    side = 0.30
    index = barber.roots(1250)
    roots, normals = barber.places(index)
    top = np.clip((roots[:, 1] - 7.70) / 0.40, 0, 1)
    over = np.clip((side + 0.02 - roots[:, 0]) / 0.2, 0, 1) * top
    nape = np.clip((7.1 - roots[:, 1]) / 0.35, 0, 1)
    lengths = (0.24 + 0.16 * top + 0.48 * over - 0.14 * nape) * barber.generator.uniform(
        0.85, 1.1, len(index)
    )
    wander = 0.25 * smooth_noise(roots, barber.generator, 0.2)[:, None] * [0, 0, 1.0]

    def flow(points: Array, normals: Array, share: float) -> Array:
        away = np.where(roots[:, :1] < side, -1.0, 1.0)
        across = away * [1.0, 0, 0] * (0.35 + 0.65 * top[:, None]) + np.array([0, -0.55, -0.10]) + wander
        front = np.clip((points[:, 2:] - 0.7) / 0.4, 0, 1) * top[:, None]
        across = across + front * np.array([-0.2, 0.25, -0.75]) * (1.1 - share)
        down = np.array([0, -1.0, -0.25]) + 0.25 * unit(from_whorl(points, normals))
        lowered = np.clip((points[:, 1:2] - 7.55) / 0.35, 0, 1)
        return along_skin(lowered * across + (1 - lowered) * down, normals)

    layer = barber.generator.uniform(0.35, 1.0, len(index))
    quiff = np.clip((roots[:, 2] - 0.75) / 0.4, 0, 1) * top
    strands = grow(
        barber.surface, roots, lengths=lengths, count=9, flow=flow, inertia=0.6, hug=0.3,
        height=lambda s: 0.02
        + layer * (0.03 + 0.05 * top + (0.09 * over + 0.06 * quiff) * np.sin(np.pi * min(1.0, s * 1.05))),
        start=flow(roots, normals, 0.0) + (0.35 * top + 0.7 * quiff)[:, None] * normals,
    )  # fmt: skip
    locks = barber.groom(
        "locks", strands, 0.024 - 0.010 * nape, roll=0.3, contrast=0.17, profile=taper(tip=0.35)
    )
    return [locks, barber.fine(combed(side), length=0.12)]


def curls(barber: Barber) -> list[Groom]:
    """Loose curls to the ears."""
    index = barber.roots(760)
    roots, normals = barber.places(index)
    top = np.clip((roots[:, 1] - 7.5) / 0.6, 0, 1)
    nape = np.clip((7.1 - roots[:, 1]) / 0.35, 0, 1)
    lengths = (0.50 + 0.28 * top - 0.25 * nape) * barber.generator.uniform(0.7, 1.2, len(index))
    layer = barber.generator.uniform(0.3, 1.0, len(index))

    def flow(points: Array, normals: Array, share: float) -> Array:
        away = unit(along_skin(points - WHORL, normals))
        front = np.clip((roots[:, 2:] - 0.75) / 0.3, 0, 1)
        return 0.5 * away + (0.9 - 0.9 * share) * normals + 0.75 * DOWN + front * [0, 0.35, 0]

    strands = grow(
        barber.surface, roots, lengths=lengths, count=16, steps=1, flow=flow, inertia=0.7,
        height=lambda s: (0.03 + 0.16 * layer * min(1, 3 * s)), start=normals + 0.3 * flow(roots, normals, 0.0),
    )  # fmt: skip
    count = len(index)
    hand = np.where(barber.generator.uniform(size=count) < 0.5, -1.0, 1.0)
    strands = coiled(
        strands, barber.generator.uniform(0.05, 0.085, count), hand * lengths / 0.40,
        barber.generator.uniform(0, 2 * np.pi, count), grown=0.2, flat=0.8,
    )  # fmt: skip
    strands = kept_off(barber.surface, strands, np.linspace(0.0, 0.05, 16))
    return [barber.groom("locks", strands, 0.042, roll=0.3, contrast=0.2, hang=7.0), barber.fine(loose)]


def afro(barber: Barber) -> list[Groom]:
    """A round cloud of small coils."""
    index = barber.roots(1720)
    roots, normals = barber.places(index)
    outward = unit(roots - (CENTER + [0, -0.15, 0]))
    lengths = _afro_length(roots) * barber.generator.uniform(0.85, 1.12, len(index))
    wander = 0.8 * barber.generator.standard_normal((len(index), 3))
    within = barber.generator.uniform(0.25, 0.6, len(index))  # what lies deeper is hidden
    starts = roots + unit(0.5 * normals + 0.5 * outward) * (within * lengths)[:, None]

    def flow(points: Array, normals: Array, share: float) -> Array:
        return 0.6 * normals + 0.7 * outward + wander

    strands = grow(
        barber.surface, starts, lengths=(1 - within) * lengths * 1.3, count=8, steps=1, flow=flow, inertia=0.5,
        height=lambda s: (within + (1 - within) * 0.7 * s) * lengths,
    )  # fmt: skip
    count = len(index)
    strands = coiled(
        strands, barber.generator.uniform(0.025, 0.05, count), barber.generator.uniform(1.1, 1.5, count),
        barber.generator.uniform(0, 2 * np.pi, count), grown=0.05,
    )  # fmt: skip
    coils = barber.groom(
        "coils", strands, 0.030, roll=0.8, contrast=0.22, profile=taper(root=0.6, tip=0.5), roundness=0.75
    )
    return [coils, barber.fine(loose, length=0.06)]


def _afro_length(roots: Array) -> Array:
    top = np.clip((roots[:, 1] - 7.4) / 0.8, 0, 1)
    length: Array = (0.40 - 0.17 * top) * np.clip(hairline(roots) / 0.35, 0.2, 1)
    return length
