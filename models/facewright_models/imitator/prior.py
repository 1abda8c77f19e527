"""A start for the imitator's displacement and shade fields, for games whose mesh is known.

Each geometry code moves the visible surface of the average character by so much per unit, and turns it to or
from the light; both are read off the rig at the centres of the fields' cells and brought to the fields' rank.
A black-box game starts from noise instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from torch import Tensor

from facewright_models.foundry.sampling import (
    MAX_PITCH_DEGREES,
    MAX_YAW_DEGREES,
    VectorLayout,
    random_posed,
)
from facewright_models.imitator.geometry import RigShapes
from facewright_models.imitator.network import FIELD_PX
from facewright_models.look import View, portrait_camera
from facewright_models.look.staging import LIGHTINGS, head_rotation
from facewright_models.rig import BakedRig
from facewright_renderer import Mesh, Scene
from facewright_renderer.lighting import shade_vertices

__all__ = ["FieldPrior", "field_priors"]

_REACH = 0.35
_TURN_REACH = 0.5
_LONG_HAIR = ("straight_long",)  # it covers most of the frame and gives the background its motion
_BROWS = "bushy"
_BROW_REACH = 0.02  # skin this near to a brow, in half frames, is hidden by it
_SAMPLES = 400
_GREY = 0.4
FieldPrior = tuple[Tensor, Tensor]
"""Weights (R, G) from codes to R numbers, and (C * F * F, R) from those to a field; F = FIELD_PX."""


def field_priors(
    rig: BakedRig, layout: VectorLayout, *, rank: int, shade_rank: int
) -> tuple[FieldPrior, FieldPrior]:
    """The starts of the displacement field (C = 2) and of the shade field (C = 1).

    Each is `*_code` and `*` of an `Imitator`. Their products hold the normalised displacement and the relative
    change of display values per unit of each code: the best of their ranks where a code counts by how far random
    characters move it.
    """
    code = RigShapes(rig, layout)
    surface = _Surface(rig, layout)
    plain = surface.light(surface.base)
    moves, shades = [], []
    for points, reach in surface.moved(code):
        moves.append((_normalised(points) - surface.start)[surface.visible] / reach)
        shades.append((surface.light(points) / plain - 1)[surface.visible, None] / reach)
    posed = _posed(code)
    move, shade = (_on_grid(surface.places, np.stack(columns, -1), posed) for columns in (moves, shades))
    return _low_rank(move, code, layout, rank), _low_rank(shade, code, layout, shade_rank)


class _Surface:
    """What a camera sees of the average character: N shown vertices, of which `visible` are in front."""

    def __init__(self, rig: BakedRig, layout: VectorLayout) -> None:
        worn = {("brows", _BROWS)} | {("hair", option) for option in _LONG_HAIR}
        self._parts = [
            part
            for part in rig.parts
            if len(part.triangles) and (part.style in worn if part.style else part.tangents is None)
        ]
        self._shown = np.concatenate([np.arange(p.vertices.start, p.vertices.stop) for p in self._parts])
        place = np.full(rig.vertex_count, -1)
        place[self._shown] = np.arange(len(self._shown))
        self._triangles = np.concatenate([place[p.triangles + p.vertices.start] for p in self._parts])
        with torch.inference_mode():
            neutral = rig(torch.full((1, layout.sliders.stop), 0.5))[0, self._shown]
        self.base = neutral.numpy().astype(np.float64)
        self.start = _normalised(self.base)
        self.visible = self._front(self.start, self.base[:, 2])

    @property
    def places(self) -> NDArray[np.float64]:
        """(M, 2) the visible vertices in the frame."""
        return self.start[self.visible]

    def moved(self, code: RigShapes) -> Iterator[tuple[NDArray[np.float64], float]]:
        """(N, 3) the average with each code at so many units, in their order; the turns come last."""
        names = [part.name for part in self._parts]
        for index in range(code.width - 4):
            with torch.inference_mode():
                offsets = code.offsets(index, parts=names)[self._shown].numpy().astype(np.float64)
            yield self.base + _REACH * offsets, _REACH
        for reach in (_TURN_REACH, -_TURN_REACH):
            views = View(yaw_degrees=reach * MAX_YAW_DEGREES), View(pitch_degrees=reach * MAX_PITCH_DEGREES)
            for view in views:
                yield self.base @ head_rotation(view).T, _TURN_REACH

    def light(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N,) display values of a grey surface at these points."""
        corners = points[self._triangles]
        face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals = np.zeros_like(points)
        for corner in range(3):
            np.add.at(normals, self._triangles[:, corner], face)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
        mesh = Mesh(
            vertices=points.astype(np.float32),
            normals=normals.astype(np.float32),
            colors=np.full((len(points), 3), _GREY, np.float32),
            triangles=self._triangles.astype(np.int32),
            labels=np.zeros(len(self._triangles), np.uint8),
        )
        scene = Scene(
            meshes=(mesh,),
            camera=portrait_camera(),
            lights=LIGHTINGS["studio"].lights,
            ambient=LIGHTINGS["studio"].ambient,
        )
        light: NDArray[np.float64] = shade_vertices(mesh, scene).mean(1).astype(np.float64)
        return light

    def _front(self, places: NDArray[np.float64], height: NDArray[np.float64]) -> NDArray[np.int64]:
        brow = np.concatenate(
            [np.full(p.vertices.stop - p.vertices.start, p.style == ("brows", _BROWS)) for p in self._parts]
        )
        distance, _ = cKDTree(places[brow]).query(places)
        visible = _front_most(places, height)
        kept: NDArray[np.int64] = visible[brow[visible] | (distance[visible] > _BROW_REACH)]
        return kept


def _posed(code: RigShapes) -> NDArray[np.bool_]:
    posed = np.zeros(code.width, bool)
    posed[-4:] = True
    return posed


def _low_rank(field: NDArray[np.float64], code: RigShapes, layout: VectorLayout, rank: int) -> FieldPrior:
    """The field (F, F, C, G) as two factors."""
    flat = field.transpose(2, 0, 1, 3).reshape(-1, code.width)
    spread = _spread(code, layout)
    left, singular, right = np.linalg.svd(flat * spread, full_matrices=False)
    scale = np.sqrt(singular[:rank])
    codes = scale[:, None] * right[:rank] / spread
    return torch.from_numpy(codes).float(), torch.from_numpy(left[:, :rank] * scale).float()


def _spread(code: RigShapes, layout: VectorLayout) -> NDArray[np.float64]:
    """(G,) root mean square of each code over random characters, at least a little."""
    generator = np.random.default_rng(0)
    vectors = torch.stack([layout.encode(random_posed(layout.schema, generator)) for _ in range(_SAMPLES)])
    with torch.inference_mode():
        codes = code(vectors[:, layout.sliders], vectors[:, list(layout.nuisance.values())]).double()
    spread: NDArray[np.float64] = codes.square().mean(0).sqrt().clamp(min=1e-3).numpy()
    return spread


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
    """(F, F, C, G). Smooth where surfaces at different depths meet, or the field has no inverse: outside
    the face, and everywhere for a turn of the head (`posed` columns).
    """
    axis = (np.arange(FIELD_PX) + 0.5) / FIELD_PX * 2 - 1
    x, y = np.meshgrid(axis, axis)
    flat = values.reshape(len(values), -1)
    inside = LinearNDInterpolator(positions, flat)(x, y)
    outside = NearestNDInterpolator(positions, flat)(x, y)
    filled = np.where(np.isnan(inside), outside, inside)
    sharp = gaussian_filter(filled, sigma=(0.6, 0.6, 0))
    smooth = gaussian_filter(filled, sigma=(3.75, 3.75, 0))
    distance = np.hypot(x / 0.52, (y - 0.12) / 0.62)
    face = np.clip((1.1 - distance) / 0.25, 0, 1)[..., None]
    mixed = smooth + (sharp - smooth) * face
    turned = np.broadcast_to(posed, values.shape[1:]).ravel()
    mixed[..., turned] = smooth[..., turned]
    result: NDArray[np.float64] = mixed.reshape(FIELD_PX, FIELD_PX, *values.shape[1:])
    return result
