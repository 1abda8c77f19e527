"""What all hairstyles share: roots within the hairline, ways to comb, ribbons of one style.

Units: decimetres, neutral pose; the subject's left is +X.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig.groom import Groom
from facewright_models.rig.growth import Flow, HeadSurface, Strands, grow, hairline, ribbon_groom, unit

__all__ = [
    "DOWN",
    "WHORL",
    "Barber",
    "along_skin",
    "combed",
    "faint",
    "from_whorl",
    "loose",
    "parted",
    "taper",
]

Array = NDArray[np.float64]
DOWN = np.array([0.0, -1.0, 0.0])
WHORL = np.array([0.05, 8.27, -0.28])
_HANG = 6.75
"""Below this height hair hangs free of the head."""


class Barber:
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
        """The samples' points and normals, (N, 3) each."""
        return self.surface.places[index], self.surface.place_normals[index]

    def groom(self, name: str, strands: Strands, width: float | Array, **options: object) -> Groom:
        """Strands as ribbons of about `width` decimetres; for `options` see `ribbon_groom`."""
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
            height=lambda s: np.full(len(roots), 0.006 + 0.02 * s),
            start=unit(strayed(roots, normals, 0.0)) + rise * normals,
        )  # fmt: skip
        return self.groom(
            "fine", strands, 0.0065, profile=taper(root=0.9, tip=0.2), openness=faint(strands), contrast=0.12
        )


def taper(*, root: float | Array = 0.35, full: float = 0.22, tip: float = 0.55) -> Callable[[Array], Array]:
    """A width profile: from `root` (or (N, 1)) to one at the share `full`, and from `tip` on to nothing."""

    def profile(share: Array) -> Array:
        rising = root + (1 - root) * np.clip(share / full, 0, 1)
        result: Array = rising * np.sqrt(np.clip((1 - share) / (1 - tip), 0, 1))
        return result

    return profile


def faint(strands: Strands) -> Array:
    """(N, K) openness of hairs that stand alone."""
    return np.full(strands.points.shape[:2], 0.85)


def along_skin(direction: Array, normals: Array) -> Array:
    """What of directions (N, 3) runs along the skin."""
    result: Array = direction - (direction * normals).sum(1, keepdims=True) * normals
    return result


def from_whorl(points: Array, normals: Array, swirl: float = 0.3) -> Array:
    """(N, 3) directions away from the whorl on the crown, turned a little about it."""
    away = unit(along_skin(points - WHORL, normals))
    return away + swirl * np.cross(normals, away)


def loose(points: Array, normals: Array, share: float) -> Array:
    """Uncombed: away from the whorl, a little out of the skin."""
    return from_whorl(points, normals) + 0.35 * normals


def parted(side: float, *, sweep: float = 0.25, fall: float = 1.0, back: float = 0.35) -> Flow:
    """Away from a parting at x = `side`, then down; the front is swept back from the face."""

    def flow(points: Array, normals: Array, share: float) -> Array:
        away = np.where(points[:, :1] < side, -1.0, 1.0)
        near = np.exp(-np.abs(points[:, :1] - side) / 0.35) * np.clip((points[:, 1:2] - 7.6) / 0.3, 0, 1)
        near = near * np.clip((points[:, 2:] + 0.30) / 0.35, 0, 1)
        front = np.clip((points[:, 2:] - 0.55) / 0.5, 0, 1) * np.clip((points[:, 1:2] - 7.0) / 0.5, 0, 1)
        direction = away * near * [1.0, 0, 0] + fall * DOWN + sweep * front * [0, 0, -1.0] * back / 0.35
        direction = direction + front * away * [0.75, 0, 0]
        on_head = np.clip((points[:, 1:2] - 7.0) / 0.3, 0, 1)
        led: Array = on_head * along_skin(direction, normals) + (1 - on_head) * direction
        return led

    return flow


def combed(side: float) -> Flow:
    """Combed sideways and back from the forehead, for hairline hairs."""

    def flow(points: Array, normals: Array, share: float) -> Array:
        front = np.clip((points[:, 2:] - 0.6) / 0.4, 0, 1)
        away = np.where(points[:, :1] < side, -1.0, 1.0)
        return along_skin(
            away * [0.7, 0, 0] + front * [0, 0.5, -0.8] + (1 - front) * [0, -1.0, -0.1], normals
        )

    return flow
