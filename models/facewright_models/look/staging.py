"""Where the camera and the lights stand: the one stage that photos, captures and frames share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import ParameterRangeError
from facewright_renderer import Camera, Light

__all__ = ["AMBIENT", "LIGHTS", "View", "head_rotation", "portrait_camera"]

LIGHTS = (
    Light(toward_light=(-0.45, 0.50, 1.0), color=(1.0, 0.98, 0.95), intensity=0.74),
    Light(toward_light=(0.85, 0.10, 0.70), color=(0.95, 0.97, 1.0), intensity=0.24),
    Light(toward_light=(0.1, 0.7, -1.0), color=(1.0, 1.0, 1.0), intensity=0.10),
)
"""Key from the image's left and above, fill from the right, a rim from behind."""

AMBIENT = 0.26
_FOV_DEGREES = 16.0
_FRAME_HEIGHT_METRES = 0.252
_TARGET = np.array([0.0, 0.004, 0.040])
_MAX_YAW, _MAX_PITCH = 90.0, 60.0


@dataclass(frozen=True, kw_only=True)
class View:
    """How the head is turned before the fixed camera, in degrees.

    Positive yaw turns the face to the image's right, positive pitch turns it up.
    Raises ParameterRangeError beyond +-90 (yaw) or +-60 (pitch).
    """

    yaw_degrees: float = 0.0
    pitch_degrees: float = 0.0

    def __post_init__(self) -> None:
        for name, value, limit in (
            ("yaw", self.yaw_degrees, _MAX_YAW),
            ("pitch", self.pitch_degrees, _MAX_PITCH),
        ):
            if not (math.isfinite(value) and abs(value) <= limit):
                raise ParameterRangeError(
                    f"view.{name}_degrees is {value}; expected a number within +-{limit:g}",
                    field=f"view.{name}_degrees",
                    metadata={"got": str(value)},
                )


def portrait_camera() -> Camera:
    """The frontal portrait camera: the head fills about half of a square frame."""
    distance = _FRAME_HEIGHT_METRES / 2 / math.tan(math.radians(_FOV_DEGREES) / 2)
    pose = np.eye(4)
    pose[:3, 3] = _TARGET + np.array([0.0, 0.0, distance])
    return Camera(world_from_camera=pose, vertical_fov_degrees=_FOV_DEGREES)


def head_rotation(view: View) -> NDArray[np.float64]:
    """(3, 3) world_from_head: pitch about X, then yaw about Y, about the head's origin."""
    yaw, pitch = math.radians(view.yaw_degrees), -math.radians(view.pitch_degrees)
    about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    about_x = np.array(
        [[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]]
    )
    world_from_head: NDArray[np.float64] = about_y @ about_x
    return world_from_head
