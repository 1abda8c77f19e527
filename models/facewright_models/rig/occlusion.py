"""Ambient occlusion per vertex, baked once: the share of the sky that a point of the surface sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig.parts import vertex_normals

__all__ = ["ambient_occlusion"]

Array = NDArray[np.float64]
_RESOLUTION = 384


def ambient_occlusion(
    blockers: Sequence[tuple[Array, NDArray[np.int64]]],
    receivers: Sequence[tuple[Array, NDArray[np.int64]]],
    *,
    directions: int = 96,
    bias: float = 0.012,
) -> list[Array]:
    """(V,) openness in [0,1] for each receiver mesh, under the blockers.

    For each direction of a Fibonacci sphere the blockers are splatted into an orthographic depth map; a
    vertex is open where nothing lies in front of it by more than `bias` (mesh units).
    """
    samples = np.concatenate([_surface_samples(v, t) for v, t in blockers])
    center = samples.mean(0)
    extent = float(np.abs(samples - center).max()) * 1.02
    normals = [vertex_normals(v, t) for v, t in receivers]
    seen = [np.zeros(len(v)) for v, _ in receivers]
    total = [np.full(len(v), 1e-9) for v, _ in receivers]
    for direction in _fibonacci_sphere(directions):
        axis = _frame(direction)  # (3, 3) rows: right, up, towards the light
        depth = np.full((_RESOLUTION, _RESOLUTION), -np.inf)
        column, row, height = _pixels((samples - center) @ axis.T, extent)
        np.maximum.at(depth, (row, column), height)
        depth = np.maximum(depth, np.maximum(np.roll(depth, 1, 0), np.roll(depth, 1, 1)))
        sky = 0.35 + 0.65 * max(0.0, 0.5 + 0.5 * direction[1])
        for index, (vertices, _) in enumerate(receivers):
            cosine = np.clip(normals[index] @ direction, 0, None) * sky
            column, row, height = _pixels((vertices - center) @ axis.T, extent)
            lit = depth[row, column] <= height + bias + 0.03 * (1 - np.clip(normals[index] @ direction, 0, 1))
            seen[index] += cosine * lit
            total[index] += cosine
    return [np.clip(s / t, 0, 1) for s, t in zip(seen, total, strict=True)]


def _surface_samples(vertices: Array, triangles: NDArray[np.int64], density: float = 2500.0) -> Array:
    generator = np.random.default_rng(0)
    corners = vertices[triangles]
    area = 0.5 * np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    count = np.maximum(3, (area * density).astype(int))
    picked = np.repeat(corners, count, axis=0)
    weights = generator.dirichlet(np.ones(3), len(picked))
    result: Array = np.einsum("nk,nkd->nd", weights, picked)
    return result


def _fibonacci_sphere(count: int) -> Array:
    index = np.arange(count) + 0.5
    polar = np.arccos(1 - 2 * index / count)
    turn = np.pi * (1 + 5**0.5) * index
    return np.stack([np.cos(turn) * np.sin(polar), np.cos(polar), np.sin(turn) * np.sin(polar)], 1)


def _frame(direction: Array) -> Array:
    helper = np.array([0.0, 1.0, 0.0]) if abs(direction[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    right = np.cross(helper, direction)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(direction, right), direction])


def _pixels(points: Array, extent: float) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    scale = _RESOLUTION / (2 * extent)
    column = np.clip(((points[:, 0] + extent) * scale).astype(np.int64), 0, _RESOLUTION - 1)
    row = np.clip(((points[:, 1] + extent) * scale).astype(np.int64), 0, _RESOLUTION - 1)
    return column, row, points[:, 2]
