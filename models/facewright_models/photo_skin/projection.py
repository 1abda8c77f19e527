"""Where each texel of the skin lies in a photo that the mesh was fitted to.

The fit leaves a few pixels between the mesh and the photo, and a nostril that lies three pixels off is drawn twice. So
the photo is drawn onto the mesh's landmarks first, by the smoothest warp that takes 68 points to 68 points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import map_coordinates, minimum_filter

from facewright_models.look.staging import View, head_rotation, portrait_camera
from facewright_models.look.surface import SkinSurface, TexelMap, skin_surface
from facewright_models.rig import BakedRig, Character, RigPart, expression_vector, slider_vector

__all__ = [
    "FRAME_PX",
    "WINDOW_WIDTH",
    "FacePhoto",
    "Projection",
    "Window",
    "face_window",
    "project_texels",
    "sampled",
]

FRAME_PX = 512
"""The frame in whose pixels positions are given, whatever the size of the photo in it."""
_DEPTH_PX = 300
_SAME_SURFACE_METRES = 0.006
_MOST_OFF_PX = 25.0
_GRID = 33
_JAW = slice(0, 17)
_ABOVE, _BELOW, _BESIDE = 0.08, 0.72, 0.12
WINDOW_WIDTH = 1 - 2 * _BESIDE
"""Of the window, in widths of the texture."""
Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class FacePhoto:
    """A photo on the reference frame, and what a fit knows of it.

    pixels (S, S, 3) uint8 sRGB, the frame at any size; probabilities (h, h, 11) of the parser's classes in the frame;
    marks (68, 2): the landmarks in the photo; expected (68, 2): where the same model would mark the posed mesh, both in
    pixels of a frame of FRAME_PX; `view` and `expression` (facial action -> weight) are those of the person.
    """

    pixels: NDArray[np.uint8]
    probabilities: Array
    marks: NDArray[np.float64]
    expected: NDArray[np.float64]
    view: View
    expression: Mapping[str, float]
    wears_glasses: bool = False


@dataclass(frozen=True, kw_only=True)
class Window:
    """The rows and columns of the texture that a photo of the face can show; left and right are as wide."""

    rows: slice
    columns: slice


@dataclass(frozen=True, kw_only=True)
class Projection:
    """What is known of every texel (H, W) of a window.

    `place` (H, W, 2): column and row in the photo, in pixels of FRAME_PX; `normals` (H, W, 3) on the stage; `facing`:
    the cosine towards the camera; `is_seen`: whether no other skin lies before it.
    """

    place: Array
    normals: Array
    facing: Array
    is_seen: NDArray[np.bool_]

    def of_photo(self, values: NDArray[Any]) -> Array:
        """(S, S, C) values of the frame at any size -> (H, W, C), bilinear; beyond the frame its edge goes on."""
        scale = values.shape[0] / FRAME_PX
        places = (self.place * scale - 0.5).astype(np.float32)
        return np.asarray(
            cv2.remap(
                values.astype(np.float32),
                places[..., 0],
                places[..., 1],
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.float32,
        )


def face_window(size_px: int) -> Window:
    """The window of a texture of that size."""
    edge = round(_BESIDE * size_px)
    return Window(
        rows=slice(round(_ABOVE * size_px), round(_BELOW * size_px)), columns=slice(edge, size_px - edge)
    )


def sampled(texels: TexelMap, window: Window, values: NDArray[np.float32]) -> Array:
    """(V,) or (V, C) values of the surface's vertices -> those of the window's texels."""
    ids = texels.corners[np.maximum(texels.quads[window.rows, window.columns], 0)]
    weights = texels.weights[window.rows, window.columns]
    result: Array = (values[ids] * (weights if values.ndim == 1 else weights[..., None])).sum(2)
    return result


def project_texels(
    rig: BakedRig, character: Character, photo: FacePhoto, texels: TexelMap, window: Window
) -> Projection:
    """Pose the complete character as the person is posed, and find its texels in the photo."""
    surface, part = skin_surface(rig), rig.part("skin")
    points, normals = _posed(rig, part, surface, character, photo)
    camera = portrait_camera()
    on_frame = camera.project(points, FRAME_PX)  # (V, 3) column, row, depth
    eye = camera.world_from_camera[:3, 3]
    toward = eye - points
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    per_vertex = np.concatenate([on_frame, normals, (normals * toward).sum(1, keepdims=True)], 1)
    own = sampled(texels, window, per_vertex.astype(np.float32))  # (H, W, 7)
    place = own[..., :2]
    return Projection(
        place=place + _pulled(photo, place),
        normals=own[..., 3:6] / np.maximum(np.linalg.norm(own[..., 3:6], axis=-1, keepdims=True), 1e-6),
        facing=own[..., 6],
        is_seen=_seen(place, own[..., 2]),
    )


def _posed(
    rig: BakedRig, part: RigPart, surface: SkinSurface, character: Character, photo: FacePhoto
) -> tuple[Array, Array]:
    """Vertices and unit normals (V, 3) of the drawn skin on the stage."""
    with torch.inference_mode():
        sliders = slider_vector(rig.schema, character)[None]
        actions = expression_vector(rig.schema, photo.expression)[None]
        skin = rig(sliders, actions, parts=())[0, part.vertices].numpy() @ head_rotation(photo.view).T
    corners = skin[part.triangles]
    fans = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.stack(
        [np.bincount(part.triangles.ravel(), np.repeat(fans[:, axis], 3), len(skin)) for axis in range(3)], 1
    )
    fine = surface.vertices(normals.astype(np.float32))
    fine = fine / np.maximum(np.linalg.norm(fine, axis=1, keepdims=True), 1e-9)
    return surface.vertices(skin.astype(np.float32)), fine


def _pulled(photo: FacePhoto, place: Array) -> Array:
    """(H, W, 2) from where the mesh has a texel to where the photo has it: through the 68 points, still at the edge."""
    off = np.clip(photo.marks - photo.expected, -_MOST_OFF_PX, _MOST_OFF_PX)
    steps = np.linspace(0, FRAME_PX, _GRID)
    edge = np.array(
        [(x, y) for x in steps[::8] for y in steps[::8] if x in (0, FRAME_PX) or y in (0, FRAME_PX)]
    )
    smoothing = np.full(68 + len(edge), 4.0)
    smoothing[_JAW] = 60.0  # a point of the jaw slides along it
    warp = RBFInterpolator(
        np.concatenate([photo.expected, edge]),
        np.concatenate([off, np.zeros_like(edge)]),
        kernel="thin_plate_spline",
        smoothing=smoothing,
    )
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)  # column, row
    field = warp(grid).reshape(_GRID, _GRID, 2)
    at = np.moveaxis(place, -1, 0) * ((_GRID - 1) / FRAME_PX)
    return np.stack(
        [map_coordinates(field[..., axis], at, order=1, mode="nearest") for axis in range(2)], -1
    ).astype(np.float32)


def _seen(place: Array, depth: Array) -> NDArray[np.bool_]:
    """Whether a texel lies about as near as the nearest one that the same small square of the frame shows."""
    cells = np.clip((place * (_DEPTH_PX / FRAME_PX)).astype(np.int64), 0, _DEPTH_PX - 1)
    flat = cells[..., 1] * _DEPTH_PX + cells[..., 0]
    nearest = np.full(_DEPTH_PX * _DEPTH_PX, np.inf, np.float32)
    np.minimum.at(nearest, flat.ravel(), depth.ravel())
    nearest = minimum_filter(nearest.reshape(_DEPTH_PX, _DEPTH_PX), 3).ravel()
    return np.asarray(depth < nearest[flat] + _SAME_SURFACE_METRES)
