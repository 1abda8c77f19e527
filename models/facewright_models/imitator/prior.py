"""A start for the imitator's displacement field, for games whose mesh is known.

Each half of each slider moves the visible surface of the average character by so much per unit; that is read
off the rig at the centres of the field's cells. A black-box game starts from noise instead.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
from scipy.ndimage import gaussian_filter
from torch import Tensor

from facewright_models.foundry.sampling import ACTION_GROUPS, MAX_PITCH_DEGREES, MAX_YAW_DEGREES, VectorLayout
from facewright_models.imitator.network import FIELD_PX
from facewright_models.look import View, portrait_camera
from facewright_models.look.staging import head_rotation
from facewright_models.rig import BakedRig

__all__ = ["displacement_prior"]

_REACH = 0.35
_STYLED = ("long", "none")  # the hair that covers most of the frame gives the background its motion


def displacement_prior(rig: BakedRig, layout: VectorLayout) -> tuple[Tensor, Tensor]:
    """Weights (2 * 64 * 64, 2 G) and bias (2 * 64 * 64,) for `Imitator.field`.

    A weight is the normalised displacement per unit of one half of a slider. The bias takes back what the
    expressions, whose "none" is the lowest value and not the middle, add at rest.
    """
    sliders = len(rig.schema.continuous_names)
    neutral = torch.full((1, sliders), 0.5)
    shown = _shown_vertices(rig)
    with torch.inference_mode():
        base = rig(neutral)[0, shown].numpy().astype(np.float64)
    start = _normalised(base)
    visible = _front_most(start, base[:, 2])
    columns: dict[tuple[int, int], NDArray[np.float64]] = {}
    for index in range(sliders):
        for half, sign in enumerate((1, -1)):
            vector = neutral.clone()
            vector[0, index] += sign * _REACH
            with torch.inference_mode():
                moved = _normalised(rig(vector)[0, shown].numpy().astype(np.float64))
            columns[index, half] = (moved - start)[visible] / (2 * _REACH)
    for name, place in layout.nuisance.items():
        index = sliders + place - min(layout.nuisance.values())
        for half, sign in enumerate((1, -1)):
            columns[index, half] = _nuisance_motion(rig, name, sign, neutral, shown, start)[visible]
    count = sliders + len(layout.nuisance)
    values = np.stack([columns[i, half] for half in (0, 1) for i in range(count)], -1)  # (N, 2, 2 G)
    posed = np.zeros(2 * count, bool)
    for name in ("yaw", "pitch"):
        place = sliders + layout.nuisance[name] - min(layout.nuisance.values())
        posed[[place, count + place]] = True
    field = _on_grid(start[visible], values, posed)  # (64, 64, 2, 2 G)
    weights = torch.from_numpy(field.transpose(2, 0, 1, 3).reshape(2 * FIELD_PX * FIELD_PX, -1)).float()
    at_rest = torch.zeros(2 * count)
    for name in ACTION_GROUPS:
        at_rest[count + sliders + layout.nuisance[name] - min(layout.nuisance.values())] = 1.0
    return weights, -(weights @ at_rest)


def _nuisance_motion(
    rig: BakedRig,
    name: str,
    sign: int,
    neutral: Tensor,
    shown: NDArray[np.int64],
    start: NDArray[np.float64],
) -> NDArray[np.float64]:
    expression = torch.zeros(1, len(rig.schema.facial_actions))
    view = View()
    reach = 0.5
    if name == "yaw":
        view = View(yaw_degrees=sign * reach * MAX_YAW_DEGREES)
    elif name == "pitch":
        view = View(pitch_degrees=sign * reach * MAX_PITCH_DEGREES)
    else:
        # The value 0 is "none", which is -1 on the two-sided scale: only differences count.
        reach = 1.0
        for action in ACTION_GROUPS[name]:
            expression[0, rig.schema.facial_actions.index(action)] = 0.5
    with torch.inference_mode():
        points = rig(neutral, expression)[0, shown].numpy().astype(np.float64) @ head_rotation(view).T
    motion = (_normalised(points) - start) / reach
    return motion if name in ("yaw", "pitch") else sign * motion


def _shown_vertices(rig: BakedRig) -> NDArray[np.int64]:
    chosen = [
        np.arange(part.vertices.start, part.vertices.stop)
        for part in rig.parts
        if len(part.triangles) and (part.style is None or part.style[1] in _STYLED)
    ]
    return np.concatenate(chosen)


def _normalised(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2) positions in the frame, -1..1 from edge to edge, y down."""
    return portrait_camera().project(points, 2)[:, :2] - 1


def _front_most(positions: NDArray[np.float64], height: NDArray[np.float64]) -> NDArray[np.int64]:
    """Ids of vertices that nothing hides: the nearest ones of each small cell, within 12 mm."""
    cell = 0.03
    key = np.floor(positions / cell).astype(int)
    top: dict[tuple[int, int], float] = {}
    for (i, j), z in zip(key.tolist(), height.tolist(), strict=True):
        for di in (-1, 0, 1):
            for dj in (-1, 0, 1):
                place = (i + di, j + dj)
                top[place] = max(top.get(place, -math.inf), z)
    kept = [n for n, (i, j) in enumerate(key.tolist()) if height[n] > top[i, j] - 0.012]
    return np.array(kept)


def _on_grid(
    positions: NDArray[np.float64], values: NDArray[np.float64], posed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(64, 64, 2, 2 G). Smooth where surfaces at different depths meet, or the field has no inverse: outside
    the face, and everywhere for a turn of the head (`posed` columns).
    """
    axis = (np.arange(FIELD_PX) + 0.5) / FIELD_PX * 2 - 1
    x, y = np.meshgrid(axis, axis)
    flat = values.reshape(len(values), -1)
    inside = LinearNDInterpolator(positions, flat)(x, y)
    outside = NearestNDInterpolator(positions, flat)(x, y)
    filled = np.where(np.isnan(inside), outside, inside)
    sharp = gaussian_filter(filled, sigma=(0.6, 0.6, 0))
    smooth = gaussian_filter(filled, sigma=(2.5, 2.5, 0))
    distance = np.hypot(x / 0.52, (y - 0.12) / 0.62)
    face = np.clip((1.1 - distance) / 0.25, 0, 1)[..., None]
    mixed = smooth + (sharp - smooth) * face
    turned = np.broadcast_to(posed, values.shape[1:]).ravel()
    mixed[..., turned] = smooth[..., turned]
    result: NDArray[np.float64] = mixed.reshape(FIELD_PX, FIELD_PX, *values.shape[1:])
    return result
