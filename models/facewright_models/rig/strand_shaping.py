"""Strands cut, curled, smoothed and kept off the skin. Units: decimetres; N strands, K points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig.growth import HeadSurface, Strands, unit

__all__ = ["coiled", "cut", "kept_off", "smooth_noise", "smoothed", "thinned"]

Array = NDArray[np.float64]


def cut(strands: Strands, level: Array) -> Strands:
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


def thinned(strands: Strands, length: int, bunch: float) -> Strands:
    """The same strands with `length` points, which a `bunch` above one gathers towards the root."""
    arc = np.concatenate(
        [
            np.zeros((len(strands.points), 1)),
            np.cumsum(np.linalg.norm(np.diff(strands.points, axis=1), axis=-1), 1),
        ],
        1,
    )
    return _resampled(strands, arc, arc[:, -1], length, bunch)


def smoothed(strands: Strands, passes: int = 10) -> Strands:
    """Strands without kinks; roots and tips stay."""
    points = strands.points.copy()
    for _ in range(passes):
        points[:, 1:-1] = 0.25 * points[:, :-2] + 0.5 * points[:, 1:-1] + 0.25 * points[:, 2:]
    return replace(strands, points=points)


def coiled(
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


def kept_off(surface: HeadSurface, strands: Strands, margin: Array) -> Strands:
    """Strands with every point at least `margin` (K,) above the skin."""
    points = strands.points.copy()
    flat = points.reshape(-1, 3)
    distance, normal = surface.nearest(flat)
    lift = np.maximum(np.tile(margin, len(points)) - distance, 0)
    lift[:: points.shape[1]] = 0
    return replace(strands, points=(flat + normal * lift[:, None]).reshape(points.shape))


def smooth_noise(points: Array, generator: np.random.Generator, scale: float) -> Array:
    """(N,) smooth noise about zero, equal for neighbours within `scale`."""
    total = np.zeros(len(points))
    for _ in range(5):
        wave = generator.normal(0, 1 / scale, 3)
        total += np.sin(points @ wave + generator.uniform(0, 2 * np.pi))
    return total / 5**0.5 * 1.4


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
