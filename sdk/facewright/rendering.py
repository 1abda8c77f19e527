"""What goes into a frame and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from facewright.character import Color

__all__ = ["LIGHTS", "PASSES", "Landmark", "RenderedFrame", "Stage", "View"]

# Lights by name.
LIGHTS = ("studio", "soft", "daylight", "sunset", "dramatic")

# Names of the images a frame can have.
PASSES = ("color", "labels", "depth", "normals")


@dataclass(frozen=True)
class View:
    """Where the camera stands: yaw in [-90, 90], pitch in [-60, 60], the front is 0, 0."""

    yaw_degrees: float = 0.0
    pitch_degrees: float = 0.0


@dataclass(frozen=True)
class Stage:
    """What is around the head: one of `LIGHTS`, and the colour behind it (None: the server's grey)."""

    light: str = "studio"
    background: Color | None = None


@dataclass(frozen=True)
class Landmark:
    """Pixels from the left and the top edge; not visible when the head itself hides the point."""

    x: float
    y: float
    visible: bool


@dataclass(frozen=True)
class RenderedFrame:
    """PNG bytes by pass, in a square of `size_px`, and the 68 landmarks.

    `depth_metres` has `size_px` * `size_px` little-endian float32, row by row from the top, 0 for background;
    it is empty without the depth pass. ``numpy.frombuffer(frame.depth_metres, "<f4")`` reads it.
    """

    size_px: int
    pngs: Mapping[str, bytes] = field(repr=False)
    depth_metres: bytes = field(repr=False)
    landmarks: tuple[Landmark, ...] = field(repr=False)
