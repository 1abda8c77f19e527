"""Where the camera and the lights stand: the one stage that photos, captures and frames share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import ParameterRangeError, UnknownParameterError
from facewright_models.rig import Color
from facewright_renderer import Camera, Light

__all__ = ["LIGHTINGS", "Lighting", "Stage", "View", "head_rotation", "portrait_camera"]


@dataclass(frozen=True, kw_only=True)
class Lighting:
    """Directional lights, and how much of the albedo shows without them; whether the first casts shadows."""

    lights: tuple[Light, ...]
    ambient: float
    casts_shadow: bool = False

    @property
    def shadow_from(self) -> tuple[float, float, float] | None:
        """Where the light that casts shadows stands."""
        return self.lights[0].toward_light if self.casts_shadow else None


LIGHTINGS: Mapping[str, Lighting] = {
    "studio": Lighting(  # key from the image's left and above, fill from the right, a rim from behind
        lights=(
            Light(toward_light=(-0.45, 0.50, 1.0), color=(1.0, 0.98, 0.95), intensity=0.74),
            Light(toward_light=(0.85, 0.10, 0.70), color=(0.95, 0.97, 1.0), intensity=0.24),
            Light(toward_light=(0.1, 0.7, -1.0), color=(1.0, 1.0, 1.0), intensity=0.10),
        ),
        ambient=0.26,
    ),
    "soft": Lighting(
        lights=(
            Light(toward_light=(-0.6, 0.5, 0.9), intensity=0.40),
            Light(toward_light=(0.6, 0.5, 0.9), intensity=0.40),
        ),
        ambient=0.36,
    ),
    "daylight": Lighting(
        lights=(
            Light(toward_light=(0.55, 1.0, 0.65), color=(1.0, 0.96, 0.88), intensity=0.88),
            Light(toward_light=(-0.6, 0.3, 0.8), color=(0.72, 0.84, 1.0), intensity=0.26),
        ),
        ambient=0.24,
        casts_shadow=True,
    ),
    "sunset": Lighting(
        lights=(
            Light(toward_light=(-1.0, 0.22, 0.45), color=(1.0, 0.58, 0.28), intensity=0.98),
            Light(toward_light=(0.8, 0.3, 0.6), color=(0.42, 0.50, 0.85), intensity=0.26),
            Light(toward_light=(-0.5, 0.4, -1.0), color=(1.0, 0.55, 0.25), intensity=0.35),
        ),
        ambient=0.14,
        casts_shadow=True,
    ),
    "dramatic": Lighting(
        lights=(
            Light(toward_light=(-1.0, 0.75, 0.42), color=(1.0, 0.97, 0.92), intensity=1.02),
            Light(toward_light=(0.9, 0.4, -0.9), color=(0.65, 0.78, 1.0), intensity=0.55),
        ),
        ambient=0.05,
        casts_shadow=True,
    ),
}
"""Lights by name; every network is trained on `studio`."""

_FOV_DEGREES = 16.0
_FRAME_HEIGHT_METRES = 0.252
_TARGET = np.array([0.0, 0.004, 0.040])
_MAX_YAW, _MAX_PITCH = 90.0, 60.0


@dataclass(frozen=True, kw_only=True)
class Stage:
    """How the head is lit, by a name of LIGHTINGS, and the sRGB colour behind it.

    Raises UnknownParameterError, ParameterRangeError.
    """

    light: str = "studio"
    background: Color = (0.62, 0.63, 0.65)

    def __post_init__(self) -> None:
        if self.light not in LIGHTINGS:
            raise UnknownParameterError(
                f"there is no light '{self.light}'; lights: {', '.join(LIGHTINGS)}",
                field="stage.light",
                metadata={"got": self.light},
            )
        for channel in self.background:
            if not (math.isfinite(channel) and 0 <= channel <= 1):
                raise ParameterRangeError(
                    f"stage.background has a channel of {channel}; expected numbers in [0, 1]",
                    field="stage.background",
                    metadata={"got": str(channel)},
                )


@dataclass(frozen=True, kw_only=True)
class View:
    """How the head is turned before the fixed camera, in degrees, and how the stage is set.

    Positive yaw turns the face to the image's right, positive pitch turns it up.
    Raises ParameterRangeError beyond +-90 (yaw) or +-60 (pitch).
    """

    yaw_degrees: float = 0.0
    pitch_degrees: float = 0.0
    stage: Stage = Stage()

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
