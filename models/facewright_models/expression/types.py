"""Degrees of expression by name, and what animates a photo by them.

A degree is absolute and normalised for each face (seed 000 [0058], [0079]-[0081]): 0 is the face at rest, 1 the
anatomic limit; of eyes 0 is closed, 1 the opening that the photo shows, and more is wider.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from jaxtyping import UInt8
from numpy import ndarray

from facewright_models.photo import Notice

__all__ = ["DEGREES", "DEGREE_RANGES", "REST_DEGREES", "OpenedFace", "VideoFrame"]

DEGREE_RANGES: Mapping[str, tuple[float, float]] = {
    "left_eye": (0.0, 1.5),
    "right_eye": (0.0, 1.5),
    "smile": (0.0, 1.0),
    "sad": (0.0, 1.0),
    "jaw": (0.0, 1.0),
    "brow_raise": (0.0, 1.0),
    "frown": (0.0, 1.0),
    "nose_wrinkle": (0.0, 1.0),
}
"""Left and right are the subject's. `smile` is lift and width of the mouth's corners, `sad` their drop."""

DEGREES = tuple(DEGREE_RANGES)

REST_DEGREES: Mapping[str, float] = {**dict.fromkeys(DEGREES, 0.0), "left_eye": 1.0, "right_eye": 1.0}
"""The face at rest, with its eyes as open as the photo has them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class VideoFrame:
    """One frame of a video: upright sRGB, its number from 0, and when it is shown after the first."""

    index: int
    time_secs: float
    pixels: UInt8[ndarray, "H W 3"]


class OpenedFace(Protocol):
    """A photo whose face is ready to be drawn with other degrees; used by one thread at a time."""

    @property
    def own(self) -> Mapping[str, float]:
        """All degrees, as the photo shows them."""
        ...

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What to know about the photo, as several faces in it."""
        ...

    def frame(self, degrees: Mapping[str, float]) -> UInt8[ndarray, "H W 3"]:
        """The photo in its own size with these absolute degrees; those that are not named stay the photo's own.

        Outside the face nothing changes, bit for bit. With no degrees it is the photo. Raises
        `UnknownParameterError`, `ParameterRangeError`.
        """
        ...
