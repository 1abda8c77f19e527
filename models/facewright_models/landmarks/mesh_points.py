"""Where the landmark network's points lie on a rig's mesh, so that renders teach the same points as photos.

The rig has landmarks of its own, after another convention. Each is moved along the skin by how far that lies from the
templates': it becomes the convex combination of at most four vertices whose projection lies closest to where it should
be in captures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from facewright_models.landmarks.template import FOREHEAD, IRIS_CENTERS, POINT_COUNT, POINT_MIRROR
from facewright_models.landmarks.types import LANDMARK_COUNT
from facewright_models.rig import BakedRig
from facewright_models.rig.anny_landmarks import symmetric_combinations
from facewright_models.rig.parts import PAINT_CHANNELS

__all__ = ["MeshPoints", "calibrated", "points_of_rig", "solid_vertices"]

Array = NDArray[np.float64]

_AT_ONCE = 16
_KEPT = 4
_SKULL_Z = -0.027
"""Of the upright axis about which the hairline is described, in metres."""
_HAIRLINE_DEGREES = (-48.0, -36.0, -18.0, 0.0, 18.0, 36.0, 48.0)


@dataclass(frozen=True, kw_only=True)
class MeshPoints:
    """Vertices (81, k) and their shares (81, k), which sum to one."""

    vertices: NDArray[np.int64]
    shares: Array

    def of(self, vertices: NDArray[np.floating]) -> Array:
        """Vertices (N, V, 3) -> points (N, 81, 3)."""
        return np.asarray(np.einsum("npkd,pk->npd", vertices[:, self.vertices], self.shares))


def solid_vertices(
    rig: BakedRig, sliders: NDArray[np.floating], expressions: NDArray[np.floating], used: Sequence[int]
) -> NDArray[np.float32]:
    """(N, len(used), 3): some vertices before the first strand of hair, in metres, of faces that are described by
    sliders (N, P) and facial actions (N, E).
    """
    parts = []
    with torch.inference_mode():
        rest = rig(torch.full((1, sliders.shape[1]), 0.5), parts=())[0]
        for first in range(0, len(sliders), _AT_ONCE):
            rows = slice(first, first + _AT_ONCE)
            weights = rig.shape_weights(
                torch.as_tensor(sliders[rows], dtype=torch.float32),
                torch.as_tensor(expressions[rows], dtype=torch.float32),
            )
            parts.append((rest[used] + rig.solid_offsets(weights)[:, used]).numpy())
    return np.concatenate(parts)


def points_of_rig(rig: BakedRig) -> MeshPoints:
    """The rig's own 68 points, the skin nearest to its hairline, and the irises."""
    vertices = np.zeros((POINT_COUNT, _KEPT), np.int64)
    shares = np.full((POINT_COUNT, _KEPT), 1 / _KEPT)
    own, own_shares = rig.landmark_vertices
    vertices[:LANDMARK_COUNT], shares[:LANDMARK_COUNT] = own.numpy(), own_shares.double().numpy()
    vertices[FOREHEAD] = _hairline(rig)[:, None]
    return _with_irises(rig, vertices, shares)


def calibrated(rig: BakedRig, projected: Array, marked: Array, width_px: float) -> MeshPoints:
    """Of skin vertices (N, V, 2) in pictures `width_px` wide and where the points (N, 81, 2) should be in them."""
    skin = rig.part("skin")
    free = IRIS_CENTERS[0]
    vertices = np.zeros((POINT_COUNT, _KEPT), np.int64)
    shares = np.zeros((POINT_COUNT, _KEPT))
    found, shares[:free] = symmetric_combinations(
        projected, marked[:, :free], POINT_MIRROR[:free], _mirror_vertices(rig), width_px
    )
    vertices[:free] = found + skin.vertices.start
    return _with_irises(rig, vertices, shares)


def _with_irises(rig: BakedRig, vertices: NDArray[np.int64], shares: Array) -> MeshPoints:
    for place, side in zip(IRIS_CENTERS, ("right", "left"), strict=True):
        vertices[place : place + 3] = _iris(rig, f"eye_{side}")
        shares[place : place + 3] = 1 / _KEPT
    return MeshPoints(vertices=vertices, shares=shares)


def _hairline(rig: BakedRig) -> NDArray[np.int64]:
    """(7,) vertices from the subject's right temple to the left where the scalp begins."""
    part = rig.part("skin").vertices
    rest = rig.average("skin")
    scalp = rig.paint[part, PAINT_CHANNELS.index("scalp")]
    azimuth = np.rad2deg(np.arctan2(rest[:, 0], rest[:, 2] - _SKULL_Z))
    edge = np.flatnonzero((scalp > 0.05) & (scalp < 0.95))
    nearest = [edge[np.abs(azimuth[edge] - wanted).argmin()] for wanted in _HAIRLINE_DEGREES]
    return np.asarray(np.array(nearest, np.int64) + part.start, dtype=np.int64)


def _mirror_vertices(rig: BakedRig) -> NDArray[np.int64]:
    neutral = rig.average("skin")
    return np.asarray(((neutral[:, None] * [-1, 1, 1] - neutral[None]) ** 2).sum(-1).argmin(1))


def _iris(rig: BakedRig, name: str) -> NDArray[np.int64]:
    """(3, 4) vertices of an eye's pupil, its iris's rim to the picture's left and to its right."""
    part = rig.part(name)
    rest = rig.average(name)
    paint = rig.paint[part.vertices]
    pupil, rim = (np.flatnonzero(paint[:, PAINT_CHANNELS.index(kind)] > 0.5) for kind in ("pupil", "limbus"))
    inward = np.argsort(np.linalg.norm((rest[pupil] - rest[pupil].mean(0))[:, :2], axis=1))
    across = rim[np.argsort(rest[rim, 0])]
    own = np.stack([pupil[inward[:_KEPT]], across[:_KEPT], across[-_KEPT:]])
    return np.asarray(own + part.vertices.start, dtype=np.int64)
