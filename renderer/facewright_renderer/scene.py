"""What is drawn: meshes, camera and lights as plain arrays.

V vertices, T triangles, H W image. Space: metres, right-handed, Y up; the camera looks along its own -Z.
Colours of meshes and lights are linear; frames are sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["LABEL_NAMES", "Backend", "Camera", "Frame", "Light", "Mesh", "Pass", "Preset", "Scene"]

Pass = Literal["color", "labels", "depth", "normals"]
Preset = Literal["draft", "full"]
Backend = Literal["pyrender", "egl"]

LABEL_NAMES = (
    "background",
    "face",
    "hair",
    "left_brow",
    "right_brow",
    "left_eye",
    "right_eye",
    "nose",
    "upper_lip",
    "teeth",
    "lower_lip",
)
"""The 11 classes of a label map, by index; left and right are the subject's."""


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """A triangle mesh with smooth normals and one material.

    vertices, normals (V, 3) float32; triangles (T, 3) int32; colors (V, 3) float32 linear in [0,1];
    labels (T,) uint8 indices into LABEL_NAMES; roughness in [0,1]; a double-sided mesh is lit from the
    side that the camera sees.

    With a `texture` (H, W, 3) uint8, row 0 at the top, coded with the exponent 1/2.2 like a frame, the albedo is the
    texture at `uvs` (V, 2), v upwards and repeating, times `colors`. tangents (V, 3) float32, if any, run along the
    strands of hair, which is then lit as such; their lengths in [0,1] scale its white highlight.

    `shade` (V,) float32 in [0,1] is how much of the first light something keeps from each vertex; strands ignore it.

    `rotation` (3, 3) turns vertices, normals and tangents onto the stage. Of a `front_only` mesh only triangles whose
    corners run counter-clockwise, as the camera sees them, are drawn.

    An array that is not writeable is taken never to change, so a backend may keep it on the graphics card:
    whoever draws the same head again and again marks triangles, colors, labels, uvs and texture so, and the rest of
    what stays as it is but for the rotation.
    """

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    normals: NDArray[np.float32]
    colors: NDArray[np.float32]
    labels: NDArray[np.uint8]
    roughness: float = 0.7
    double_sided: bool = False
    uvs: NDArray[np.float32] | None = None
    texture: NDArray[np.uint8] | None = None
    tangents: NDArray[np.float32] | None = None
    shade: NDArray[np.float32] | None = None
    rotation: NDArray[np.float32] | None = None
    front_only: bool = False

    @property
    def on_stage(self) -> Mesh:
        """The same mesh without a rotation left to do."""
        turn = self.rotation
        if turn is None:
            return self
        return replace(
            self,
            vertices=self.vertices @ turn.T,
            normals=self.normals @ turn.T,
            tangents=None if self.tangents is None else self.tangents @ turn.T,
            rotation=None,
        )


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A perspective camera; `world_from_camera` is (4, 4)."""

    world_from_camera: NDArray[np.float64]
    vertical_fov_degrees: float

    def project(self, points_in_world: NDArray[Any], size_px: int) -> NDArray[np.float64]:
        """(N, 3) points -> (N, 3): column, row (pixel centres are at .5) and depth in metres."""
        camera_from_world = np.linalg.inv(self.world_from_camera)
        points = points_in_world @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
        depth = -points[:, 2]
        focal = 0.5 * size_px / np.tan(np.deg2rad(self.vertical_fov_degrees) / 2)
        return np.stack(
            [
                size_px / 2 + focal * points[:, 0] / depth,
                size_px / 2 - focal * points[:, 1] / depth,
                depth,
            ],
            1,
        )


@dataclass(frozen=True, kw_only=True)
class Light:
    """A directional light shining from `toward_light` (3,), with a linear colour times intensity."""

    toward_light: tuple[float, float, float]
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    intensity: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything in one frame. `background` is sRGB in [0,1]; `ambient` is a linear factor of the albedo."""

    meshes: tuple[Mesh, ...]
    camera: Camera
    lights: tuple[Light, ...]
    ambient: float = 0.3
    background: tuple[float, float, float] = (0.5, 0.5, 0.5)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The passes that were asked for; the others are None.

    color (H, W, 3) uint8 sRGB; labels (H, W) uint8; depth (H, W) float32 metres, 0 where nothing is;
    normals (H, W, 3) float32 in camera space, zero where nothing is.
    """

    color: NDArray[np.uint8] | None = field(default=None)
    labels: NDArray[np.uint8] | None = field(default=None)
    depth: NDArray[np.float32] | None = field(default=None)
    normals: NDArray[np.float32] | None = field(default=None)
