"""What the sliders do to the skin that a frontal photo shows: a linear model about the average head.

V points of the skin that look at the camera, P sliders; pixels of the 512 px frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from facewright_models.look.staging import portrait_camera
from facewright_models.rig import BakedRig
from facewright_models.rig.parts import vertex_normals

__all__ = ["VisibleSurface", "visible_surface"]

_SIZE_PX = 512
_POINTS = 400
_FACING = 0.25
_STEP = 0.1
_SHAPES_AT_ONCE = 32


@dataclass(frozen=True, kw_only=True)
class VisibleSurface:
    """points (V, 2) in the frame; slopes (2 V, P) in pixels per unit of each slider; free (2 V, 6): moves that no
    photo tells from pose and distance: scale, roll, both shifts, yaw and pitch.
    """

    points: Tensor
    slopes: Tensor
    free: Tensor

    def information(self, weights: Tensor) -> Tensor:
        """(P, P): what points that are seen with weights (V,), one over the variance in px, say about the sliders, when
        pose and distance are unknown (the Schur complement of those).
        """
        rows = weights.repeat_interleave(2)[:, None]
        weighted = rows * self.slopes
        mixed = self.free.T @ weighted  # (6, P)
        own = self.free.T @ (rows * self.free) + 1e-6 * torch.eye(6)
        result: Tensor = self.slopes.T @ weighted - mixed.T @ torch.linalg.solve(own, mixed)
        return result


@torch.no_grad()
def visible_surface(rig: BakedRig) -> VisibleSurface:
    """The surface of a rig; half a second."""
    skin = rig.part("skin")
    middle = torch.full((1, len(rig.schema.continuous_names)), 0.5)
    neutral = torch.from_numpy(rig.average("skin"))
    normals = vertex_normals(neutral.numpy().astype(np.float64), skin.triangles.astype(np.int64))
    ids = np.flatnonzero(normals[:, 2] > _FACING)
    inside = ((_projected(neutral[ids]) >= 0) & (_projected(neutral[ids]) < _SIZE_PX)).all(1)
    ids = ids[inside.numpy()]
    ids = ids[:: max(1, len(ids) // _POINTS)]
    chosen = torch.from_numpy(ids) + skin.vertices.start
    base = _projected(neutral[ids])
    slopes = []
    for rows in (middle + _STEP * torch.eye(middle.shape[1])).split(_SHAPES_AT_ONCE):
        moved = neutral[ids] + rig.solid_offsets(rig.shape_weights(rows))[:, chosen]
        slopes.append((_projected(moved) - base).flatten(1) / _STEP)
    offset = base - base.mean(0)
    depth = neutral[ids, 2] - neutral[ids, 2].mean()
    one, none = torch.ones_like(depth), torch.zeros_like(depth)
    columns = [
        offset,
        torch.stack([-offset[:, 1], offset[:, 0]], 1),
        torch.stack([one, none], 1),
        torch.stack([none, one], 1),
        torch.stack([depth, none], 1),
        torch.stack([none, depth], 1),
    ]
    free = torch.stack([column.flatten() / column.norm() for column in columns], 1)
    return VisibleSurface(points=base, slopes=torch.cat(slopes).T.clone(), free=free)


def _projected(points: Tensor) -> Tensor:
    """Points (..., 3) in metres -> (..., 2) pixels of the portrait camera."""
    camera = portrait_camera()
    eye = torch.tensor(camera.world_from_camera[:3, 3], dtype=points.dtype)
    focal = 0.5 * _SIZE_PX / math.tan(math.radians(camera.vertical_fov_degrees) / 2)
    away = eye - points
    return torch.stack(
        [
            _SIZE_PX / 2 - focal * away[..., 0] / away[..., 2],
            _SIZE_PX / 2 + focal * away[..., 1] / away[..., 2],
        ],
        -1,
    )
