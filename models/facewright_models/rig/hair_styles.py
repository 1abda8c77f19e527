"""The hairstyles of the `anny` head as grooms.

Units: decimetres, neutral pose; the subject's left is +X. Every style has a generator of its own, so that a
change of one leaves the others as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig.groom import Groom
from facewright_models.rig.growth import (
    CENTER,
    Flow,
    HeadSurface,
    Strands,
    grow,
    hairline,
    ribbon_groom,
    unit,
)

__all__ = ["CAPPED", "CAP_DEPTHS", "HAIR_STYLES", "cap_inset", "cap_thickness", "cap_tone", "hair_grooms"]

Array = NDArray[np.float64]
_DOWN = np.array([0.0, -1.0, 0.0])
_WHORL = np.array([0.05, 8.27, -0.28])
_HANG = 6.75
"""Below this height hair hangs free of the head."""


def hair_grooms(surface: HeadSurface) -> list[Groom]:
    """Every style's grooms."""
    grooms: list[Groom] = []
    for index, (style, make) in enumerate(HAIR_STYLES.items()):
        if make is not None:
            grooms += make(_Barber(surface, style, np.random.default_rng([41, index])))
    return grooms


def cap_thickness(style: str, skin: Array) -> Array:
    """(V,) thickness of the closed cap under a style's strands, in decimetres."""
    top = np.clip((skin[:, 1] - 7.5) / 0.7, 0, 1)
    thick, thicker = _CAPS[style]
    result: Array = np.clip(hairline(skin) / 0.25, 0, 1) * (thick + (thicker - thick) * top)
    return result


def cap_inset(style: str) -> float:
    """How far within the hairline the cap ends, in decimetres: further where the hair lies flat."""
    return _CAP_INSETS.get(style, 0.05)


def cap_tone(style: str) -> float:
    """How light the cap is: dark where it lies deep in loose hair."""
    return _CAP_TONES.get(style, 0.22)


_CAP_TONES = {"afro": 0.0, "curls": 0.0, "crop": 0.1, "ponytail": 0.33, "bun": 0.33}
_CAP_INSETS = {"ponytail": 0.10, "bun": 0.10}
_CAPS: dict[str, tuple[float, float]] = {
    "crop": (0.015, 0.025),
    "side_part": (0.015, 0.02),
    "curls": (0.06, 0.06),
    "afro": (0.17, 0.08),
    "bob": (0.01, 0.006),
    "straight_long": (0.01, 0.006),
    "wavy_long": (0.01, 0.006),
    "ponytail": (0.003, 0.003),
    "bun": (0.003, 0.003),
    "fringe": (0.01, 0.006),
}
CAP_DEPTHS = {"afro": 0.45, "curls": 0.5}
"""Share of the light that reaches the caps which lie deep."""

CAPPED = tuple(_CAPS)
"""Styles with a cap."""


class _Barber:
    """What the styles share: roots, growth over this head and ribbons of one style."""

    def __init__(self, surface: HeadSurface, style: str, generator: np.random.Generator) -> None:
        self.surface, self.style, self.generator = surface, style, generator
        self.field = hairline(surface.places)

    def roots(self, count: int, *, where: Array | None = None, jitter: float = 0.025) -> NDArray[np.int64]:
        """Samples of the scalp within a frayed hairline; `where` (samples,) thins them."""
        nape = np.clip((7.05 - self.surface.places[:, 1]) / 0.15, 0, 1)
        frayed = self.field - 0.05 * nape + jitter * self.generator.standard_normal(len(self.field))
        density = np.clip(frayed / 0.08, 0, 1) ** 0.7
        return self.surface.scatter(density if where is None else density * where, count, self.generator)

    def rim(self, count: int, *, reach: float = 0.10, lowest: float = 7.35) -> NDArray[np.int64]:
        """Samples about the hairline itself, for its short fine hairs."""
        near = np.clip(1 - np.abs(self.field - 0.02) / reach, 0, 1) * (self.surface.places[:, 1] > lowest)
        return self.surface.scatter(near, count, self.generator)

    def places(self, index: NDArray[np.int64]) -> tuple[Array, Array]:
        return self.surface.places[index], self.surface.place_normals[index]

    def groom(self, name: str, strands: Strands, width: float | Array, **options: object) -> Groom:
        count = len(strands.points)
        spread = width * np.clip(self.generator.lognormal(0, 0.3, count), 0.5, 2.0)
        hidden = np.clip(hairline(strands.points[:, 0]) / 0.14, 0, 1)[
            :, None
        ]  # only the hairline's roots show
        settings: dict[str, object] = {"profile": taper(root=0.10 + 0.60 * hidden), "hang": _HANG, **options}
        return ribbon_groom(
            self.surface, strands, self.generator, name=f"hair_{self.style}_{name}", style=("hair", self.style),
            label=2, width=spread, **settings,  # type: ignore[arg-type]
        )  # fmt: skip

    def fine(
        self, flow: Flow, *, count: int = 330, length: float = 0.11, rise: float = 0.2, lowest: float = 7.2
    ) -> Groom:
        """The short fine hairs of the hairline, loosely along `flow`."""
        index = self.rim(count, lowest=lowest)
        roots, normals = self.places(index)
        lengths = length * self.generator.uniform(0.35, 1.2, len(index))
        stray = 0.35 * self.generator.standard_normal((len(index), 3))

        def strayed(points: Array, normals: Array, share: float) -> Array:
            return unit(flow(points, normals, share)) + stray

        strands = grow(
            self.surface, roots, lengths=lengths, count=4, flow=strayed, inertia=0.6,
            height=lambda s: np.full(len(roots), 0.006 + 0.02 * s), start=unit(strayed(roots, normals, 0.0)) + rise * normals,
        )  # fmt: skip
        return self.groom(
            "fine", strands, 0.0065, profile=taper(root=0.9, tip=0.2), openness=_faint(strands), contrast=0.12
        )


def taper(*, root: float | Array = 0.35, full: float = 0.22, tip: float = 0.55) -> Callable[[Array], Array]:
    """A width profile: from `root` (or (N, 1)) to one at the share `full`, and from `tip` on to nothing."""

    def profile(share: Array) -> Array:
        rising = root + (1 - root) * np.clip(share / full, 0, 1)
        result: Array = rising * np.sqrt(np.clip((1 - share) / (1 - tip), 0, 1))
        return result

    return profile


def _faint(strands: Strands) -> Array:
    return np.full(strands.points.shape[:2], 0.85)


def _along_skin(direction: Array, normals: Array) -> Array:
    result: Array = direction - (direction * normals).sum(1, keepdims=True) * normals
    return result


def _from_whorl(points: Array, normals: Array, swirl: float = 0.3) -> Array:
    away = unit(_along_skin(points - _WHORL, normals))
    return away + swirl * np.cross(normals, away)


def _loose(points: Array, normals: Array, share: float) -> Array:
    """Uncombed: away from the whorl, a little out of the skin."""
    return _from_whorl(points, normals) + 0.35 * normals


def _parted(side: float, *, sweep: float = 0.25, fall: float = 1.0, back: float = 0.35) -> Flow:
    """Away from a parting at x = `side`, then down; the front is swept back from the face."""

    def flow(points: Array, normals: Array, share: float) -> Array:
        away = np.where(points[:, :1] < side, -1.0, 1.0)
        near = np.exp(-np.abs(points[:, :1] - side) / 0.35) * np.clip((points[:, 1:2] - 7.6) / 0.3, 0, 1)
        near = near * np.clip((points[:, 2:] + 0.30) / 0.35, 0, 1)
        front = np.clip((points[:, 2:] - 0.55) / 0.5, 0, 1) * np.clip((points[:, 1:2] - 7.0) / 0.5, 0, 1)
        direction = away * near * [1.0, 0, 0] + fall * _DOWN + sweep * front * [0, 0, -1.0] * back / 0.35
        direction = direction + front * away * [0.75, 0, 0]
        on_head = np.clip((points[:, 1:2] - 7.0) / 0.3, 0, 1)
        return on_head * _along_skin(direction, normals) + (1 - on_head) * direction

    return flow


def _cut(strands: Strands, level: Array) -> Strands:
    """Strands ended where they first fall below `level` (N,), their points spread evenly again."""
    points = strands.points
    count, length = points.shape[:2]
    arc = np.concatenate(
        [np.zeros((count, 1)), np.cumsum(np.linalg.norm(np.diff(points, axis=1), axis=-1), 1)], 1
    )
    below = points[..., 1] < level[:, None]
    end = arc[:, -1].copy()
    for i in np.flatnonzero(below.any(1)):
        k = max(1, int(below[i].argmax()))
        drop = points[i, k - 1, 1] - points[i, k, 1]
        part = np.clip((points[i, k - 1, 1] - level[i]) / max(drop, 1e-9), 0.05, 1)
        end[i] = arc[i, k - 1] + part * (arc[i, k] - arc[i, k - 1])
    return _resampled(strands, arc, end, length)


def _resampled(strands: Strands, arc: Array, end: Array, length: int, bunch: float = 1.0) -> Strands:
    place = np.linspace(0, 1, length)[None] ** bunch * end[:, None]
    out = []
    for values in (strands.points, strands.outward):
        result = np.empty((len(values), length, 3))
        for i in range(len(values)):
            for axis in range(3):
                result[i, :, axis] = np.interp(place[i], arc[i], values[i, :, axis])
        out.append(result)
    return Strands(points=out[0], outward=unit(out[1]))


def _smoothed(strands: Strands, passes: int = 10) -> Strands:
    """Strands without kinks; roots and tips stay."""
    points = strands.points.copy()
    for _ in range(passes):
        points[:, 1:-1] = 0.25 * points[:, :-2] + 0.5 * points[:, 1:-1] + 0.25 * points[:, 2:]
    return replace(strands, points=points)


def _thinned(strands: Strands, length: int, bunch: float) -> Strands:
    """The same strands with `length` points, which a `bunch` above one gathers towards the root."""
    arc = np.concatenate(
        [
            np.zeros((len(strands.points), 1)),
            np.cumsum(np.linalg.norm(np.diff(strands.points, axis=1), axis=-1), 1),
        ],
        1,
    )
    return _resampled(strands, arc, arc[:, -1], length, bunch)


def _noise(points: Array, generator: np.random.Generator, scale: float) -> Array:
    """(N,) smooth noise about zero, equal for neighbours within `scale`."""
    total = np.zeros(len(points))
    for _ in range(5):
        wave = generator.normal(0, 1 / scale, 3)
        total += np.sin(points @ wave + generator.uniform(0, 2 * np.pi))
    return total / 5**0.5 * 1.4


def _coiled(
    strands: Strands, radius: Array, turns: Array, phase: Array, *, grown: float = 0.25, flat: float = 1.0
) -> Strands:
    """Strands wound round their centrelines: `radius` (N,) reached at the share `grown`; `flat` squeezes outwards."""
    share = np.linspace(0, 1, strands.points.shape[1])
    tangents = unit(np.gradient(strands.points, axis=1))
    across = unit(np.cross(tangents, strands.outward))
    up = np.cross(across, tangents)
    angle = phase[:, None] + 2 * np.pi * turns[:, None] * share[None]
    size = radius[:, None] * np.clip(share / grown, 0, 1)[None]
    offset = across * (np.cos(angle) * size)[..., None] + up * (flat * np.sin(angle) * size)[..., None]
    return replace(strands, points=strands.points + offset)


def _kept_off(surface: HeadSurface, strands: Strands, margin: Array) -> Strands:
    """Strands with every point at least `margin` (K,) above the skin."""
    points = strands.points.copy()
    flat = points.reshape(-1, 3)
    distance, normal = surface.nearest(flat)
    lift = np.maximum(np.tile(margin, len(points)) - distance, 0)
    lift[:: points.shape[1]] = 0
    return replace(strands, points=(flat + normal * lift[:, None]).reshape(points.shape))


def _buzz(barber: _Barber) -> list[Groom]:
    index = barber.roots(8000, jitter=0.05)
    roots, normals = barber.places(index)
    lengths = 0.035 * barber.generator.uniform(0.7, 1.2, len(index))

    def flow(points: Array, normals: Array, share: float) -> Array:
        return unit(_from_whorl(points, normals)) + 0.5 * normals + 0.4 * _DOWN

    strands = grow(
        barber.surface, roots, lengths=lengths, count=2, flow=flow, height=lambda s: np.zeros(len(roots)),
        inertia=0.3, start=flow(roots, normals, 0.0), steps=1,
    )  # fmt: skip
    hairs = barber.groom(
        "hairs", strands, 0.012, profile=taper(root=1.0, tip=0.0), openness=_faint(strands), contrast=0.25
    )
    return [hairs]


def _crop(barber: _Barber) -> list[Groom]:
    index = barber.roots(1750)
    roots, normals = barber.places(index)
    top = np.clip((roots[:, 1] - 7.65) / 0.45, 0, 1)
    nape = np.clip((7.1 - roots[:, 1]) / 0.35, 0, 1)
    lengths = (0.20 + 0.20 * top - 0.14 * nape) * barber.generator.uniform(0.75, 1.2, len(index))
    wander = 0.55 * _noise(roots, barber.generator, 0.16)[:, None] * [1.0, 0, 0]

    def flow(points: Array, normals: Array, share: float) -> Array:
        forward = top[:, None] * np.array([0.0, 0.05, 0.9]) + (1 - top[:, None]) * np.array([0, -1.0, 0.0])
        rise = (0.75 * top[:, None] * (1 - 1.6 * share)) * normals
        return _along_skin(0.6 * unit(_from_whorl(points, normals)) + forward + wander, normals) + rise

    layer = barber.generator.uniform(0.5, 1.0, len(index))
    strands = grow(
        barber.surface, roots, lengths=lengths, count=7, flow=flow, inertia=0.55,
        height=lambda s: (0.022 + (0.03 + 0.10 * top) * layer * np.sin(np.pi * min(s, 0.62))),
        start=flow(roots, normals, 0.0) + 0.8 * normals * top[:, None],
    )  # fmt: skip
    locks = barber.groom(
        "locks", strands, 0.022 - 0.009 * nape, roll=0.5, contrast=0.2, profile=taper(tip=0.3)
    )
    return [locks, barber.fine(_loose, length=0.10)]


def _side_part(barber: _Barber) -> list[Groom]:
    side = 0.30
    index = barber.roots(1250)
    roots, normals = barber.places(index)
    top = np.clip((roots[:, 1] - 7.70) / 0.40, 0, 1)
    over = np.clip((side + 0.02 - roots[:, 0]) / 0.2, 0, 1) * top
    nape = np.clip((7.1 - roots[:, 1]) / 0.35, 0, 1)
    lengths = (0.24 + 0.16 * top + 0.48 * over - 0.14 * nape) * barber.generator.uniform(
        0.85, 1.1, len(index)
    )
    wander = 0.25 * _noise(roots, barber.generator, 0.2)[:, None] * [0, 0, 1.0]

    def flow(points: Array, normals: Array, share: float) -> Array:
        away = np.where(roots[:, :1] < side, -1.0, 1.0)
        across = away * [1.0, 0, 0] * (0.35 + 0.65 * top[:, None]) + np.array([0, -0.55, -0.10]) + wander
        front = np.clip((points[:, 2:] - 0.7) / 0.4, 0, 1) * top[:, None]
        across = across + front * np.array([-0.2, 0.25, -0.75]) * (1.1 - share)
        down = np.array([0, -1.0, -0.25]) + 0.25 * unit(_from_whorl(points, normals))
        lowered = np.clip((points[:, 1:2] - 7.55) / 0.35, 0, 1)
        return _along_skin(lowered * across + (1 - lowered) * down, normals)

    layer = barber.generator.uniform(0.35, 1.0, len(index))
    quiff = np.clip((roots[:, 2] - 0.75) / 0.4, 0, 1) * top
    strands = grow(
        barber.surface, roots, lengths=lengths, count=9, flow=flow, inertia=0.6, hug=0.3,
        height=lambda s: 0.02 + layer * ((0.03 + 0.05 * top) + (0.09 * over + 0.06 * quiff) * np.sin(np.pi * min(1.0, s * 1.05))),
        start=flow(roots, normals, 0.0) + (0.35 * top + 0.7 * quiff)[:, None] * normals,
    )  # fmt: skip
    locks = barber.groom(
        "locks", strands, 0.024 - 0.010 * nape, roll=0.3, contrast=0.17, profile=taper(tip=0.35)
    )
    return [locks, barber.fine(flow_of(side), length=0.12)]


def flow_of(side: float) -> Flow:
    """Combed sideways and back from the forehead, for hairline hairs."""

    def flow(points: Array, normals: Array, share: float) -> Array:
        front = np.clip((points[:, 2:] - 0.6) / 0.4, 0, 1)
        away = np.where(points[:, :1] < side, -1.0, 1.0)
        return _along_skin(
            away * [0.7, 0, 0] + front * [0, 0.5, -0.8] + (1 - front) * [0, -1.0, -0.1], normals
        )

    return flow


def _hanging(
    barber: _Barber, *, count: int, points: int, side: float, level: Callable[[Array], Array], reach: float,
    volume: float, tuck: float = 0.0, back: float = 0.12, lift: float = 0.3, bunch: float = 1.3, where: Array | None = None,
) -> tuple[Strands, Array]:  # fmt: skip
    """Hair that falls from a parting to `level` (of roots (N, 3)); returns strands and the layers (N,) they lie in."""
    index = barber.roots(count, where=where)
    roots, normals = barber.places(index)
    layer = 0.45 + 0.55 * np.sqrt(barber.generator.uniform(0, 1, len(index)))
    base = _parted(side, back=back)
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
        return direction + inside * (np.sign(points[:, :1]) * [1.5, 0, 0] + np.array([0, 0, -0.5]))

    strands = grow(
        barber.surface, roots, lengths=np.full(len(index), reach), count=3 * points, steps=2, flow=flow, inertia=0.6,
        ears=0.02, hug=0.16, height=lambda s: 0.016 + volume * layer * min(1.0, s * reach / 0.40) ** 0.8,
        start=unit(base(roots, normals, 0.0)) + lift * normals,
    )  # fmt: skip
    ragged = level(roots) + 0.05 * barber.generator.standard_normal(len(index)) + 0.06 * (1 - layer)
    return _thinned(_cut(_smoothed(strands), ragged), points, bunch), layer


def _bob(barber: _Barber) -> list[Groom]:
    side = 0.16
    strands, layer = _hanging(
        barber,
        count=1050,
        points=12,
        side=side,
        level=lambda r: np.full(len(r), 6.42),
        reach=2.4,
        volume=0.13,
        tuck=1.1,
    )
    return [barber.groom("locks", strands, 0.034, roll=0.25, contrast=0.17), barber.fine(flow_of(side))]


def _straight_long(barber: _Barber) -> list[Groom]:
    strands, layer = _hanging(
        barber, count=960, points=13, side=0.04, level=lambda r: np.full(len(r), 5.35), reach=3.6, volume=0.10
    )
    return [barber.groom("locks", strands, 0.036, roll=0.25, contrast=0.17), barber.fine(flow_of(0.04))]


def _wavy_long(barber: _Barber) -> list[Groom]:
    strands, layer = _hanging(
        barber,
        count=630,
        points=19,
        side=0.10,
        level=lambda r: np.full(len(r), 5.45),
        reach=3.5,
        volume=0.13,
        bunch=1.1,
    )
    phase = 2.2 * _noise(strands.points[:, 8], barber.generator, 0.5)
    phase += 0.2 * barber.generator.standard_normal(len(phase))
    arc = np.linalg.norm(np.diff(strands.points, axis=1), axis=-1).sum(1)
    wavy = _coiled(strands, np.full(len(arc), 0.065), arc / 1.05, phase, grown=0.35, flat=0.6)
    wavy = _kept_off(barber.surface, wavy, np.linspace(0.02, 0.07, 19))
    return [barber.groom("locks", wavy, 0.036, roll=0.25, contrast=0.10), barber.fine(flow_of(0.10))]


def _curls(barber: _Barber) -> list[Groom]:
    index = barber.roots(760)
    roots, normals = barber.places(index)
    top = np.clip((roots[:, 1] - 7.5) / 0.6, 0, 1)
    nape = np.clip((7.1 - roots[:, 1]) / 0.35, 0, 1)
    lengths = (0.50 + 0.28 * top - 0.25 * nape) * barber.generator.uniform(0.7, 1.2, len(index))
    layer = barber.generator.uniform(0.3, 1.0, len(index))

    def flow(points: Array, normals: Array, share: float) -> Array:
        away = unit(_along_skin(points - _WHORL, normals))
        front = np.clip((roots[:, 2:] - 0.75) / 0.3, 0, 1)
        return 0.5 * away + (0.9 - 0.9 * share) * normals + 0.75 * _DOWN + front * [0, 0.35, 0]

    strands = grow(
        barber.surface, roots, lengths=lengths, count=16, steps=1, flow=flow, inertia=0.7,
        height=lambda s: (0.03 + 0.16 * layer * min(1, 3 * s)), start=normals + 0.3 * flow(roots, normals, 0.0),
    )  # fmt: skip
    count = len(index)
    hand = np.where(barber.generator.uniform(size=count) < 0.5, -1.0, 1.0)
    strands = _coiled(
        strands, barber.generator.uniform(0.05, 0.085, count), hand * lengths / 0.40,
        barber.generator.uniform(0, 2 * np.pi, count), grown=0.2, flat=0.8,
    )  # fmt: skip
    strands = _kept_off(barber.surface, strands, np.linspace(0.0, 0.05, 16))
    return [barber.groom("locks", strands, 0.042, roll=0.3, contrast=0.2, hang=7.0), barber.fine(_loose)]


def _afro(barber: _Barber) -> list[Groom]:
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
    strands = _coiled(
        strands, barber.generator.uniform(0.025, 0.05, count), barber.generator.uniform(1.1, 1.5, count),
        barber.generator.uniform(0, 2 * np.pi, count), grown=0.05,
    )  # fmt: skip
    coils = barber.groom(
        "coils", strands, 0.030, roll=0.8, contrast=0.22, profile=taper(root=0.6, tip=0.5), roundness=0.75
    )
    return [coils, barber.fine(_loose, length=0.06)]


def _afro_length(roots: Array) -> Array:
    top = np.clip((roots[:, 1] - 7.4) / 0.8, 0, 1)
    length: Array = (0.40 - 0.17 * top) * np.clip(hairline(roots) / 0.35, 0.2, 1)
    return length


def _to_tie(tie: Array, swept: float = 0.0) -> Flow:
    def flow(points: Array, normals: Array, share: float) -> Array:
        return _along_skin(tie - points, normals) + swept * normals * 0

    return flow


def _gathered(barber: _Barber, tie: Array, *, count: int, volume: float) -> tuple[Groom, Groom]:
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


def _ponytail(barber: _Barber) -> list[Groom]:
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
        return _DOWN * (0.3 + 1.2 * min(1.0, 3.5 * share)) + out + pull + np.array([0, 0, 0.05])

    strands = grow(
        barber.surface, roots, lengths=lengths, count=15, steps=2, flow=flow, inertia=0.75,
        height=lambda s: np.full(count, 0.06 if s > 0.3 else -0.1), start=unit(offset) * 0.4 + np.array([0, 0.35, -1.0]),
    )  # fmt: skip
    tail = barber.groom("tail", strands, 0.045, roll=0.5, contrast=0.18, hang=7.8, roundness=0.2)
    return [locks, fine, tail, _band(barber, tie + [0, 0.015, -0.05], unit(np.array([0, 0.3, -1.0])), 0.10)]


def _band(barber: _Barber, center: Array, axis: Array, radius: float) -> Groom:
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


def _bun(barber: _Barber) -> list[Groom]:
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


def _fringe(barber: _Barber) -> list[Groom]:
    side = 0.0
    places = barber.surface.places
    bangs = (
        np.clip((places[:, 2] - 0.62) / 0.08, 0, 1) * np.clip((0.52 - np.abs(places[:, 0])) / 0.06, 0, 1)
    ) * (places[:, 1] > 7.85)
    strands, layer = _hanging(
        barber, count=780, points=12, side=side, level=lambda r: np.full(len(r), 5.95), reach=3.0, volume=0.12, tuck=0.4,
        where=1 - 0.85 * bangs,
    )  # fmt: skip
    index = barber.roots(330, where=bangs)
    roots, normals = barber.places(index)
    layer = barber.generator.uniform(0, 1, len(index))

    def flow(points: Array, normals: Array, share: float) -> Array:
        fan = np.clip(points[:, :1] / 0.5, -1, 1) * [0.35, 0, 0]
        return _along_skin(np.array([0, -0.6, 0.5]) + fan, normals) + 0.25 * _DOWN

    front = grow(
        barber.surface, roots, lengths=np.full(len(index), 1.3), count=24, steps=2, flow=flow, inertia=0.6,
        height=lambda s: 0.03 + (0.05 + 0.07 * layer) * min(1, 4 * s), start=normals * 0.6 + np.array([0, 0.2, 1.0]),
    )  # fmt: skip
    arch = 7.615 - 0.10 * np.clip((np.abs(roots[:, 0]) - 0.3) / 0.25, 0, 1)
    front = _thinned(_cut(front, arch + 0.025 * barber.generator.standard_normal(len(index))), 10, 1.2)
    return [
        barber.groom("locks", strands, 0.036, roll=0.25, contrast=0.17),
        barber.groom("bangs", front, 0.026, roll=0.2, contrast=0.17, profile=taper(tip=0.7)),
        barber.fine(flow_of(0.0), lowest=7.4),
    ]


HAIR_STYLES: dict[str, Callable[[_Barber], list[Groom]] | None] = {
    "bald": None,
    "buzz": _buzz,
    "crop": _crop,
    "side_part": _side_part,
    "curls": _curls,
    "afro": _afro,
    "bob": _bob,
    "straight_long": _straight_long,
    "wavy_long": _wavy_long,
    "ponytail": _ponytail,
    "bun": _bun,
    "fringe": _fringe,
}
"""Option -> how it grows, in the order of the schema."""
