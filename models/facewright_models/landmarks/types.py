"""What a found face is, and the two things a finder of faces must do.

The 68 points follow the order of the iBUG 300-W mark-up: 0-16 jaw line from the subject's right ear to the
left, 17-21 and 22-26 brows, 27-35 nose, 36-41 right eye, 42-47 left eye, 48-59 outer lips, 60-67 inner lips.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, UInt8

__all__ = ["LANDMARK_COUNT", "Face", "FaceBox", "FaceDetector", "LandmarkModel", "RelocatingLandmarkModel"]

LANDMARK_COUNT = 68


@dataclass(frozen=True, kw_only=True)
class FaceBox:
    """Rectangle in pixels, `x` to the right and `y` down from the upper left corner; may pass the border.

    A head that is tilted in the picture by `tilt_degrees`, clockwise, lies in the rectangle turned so about its centre.
    """

    x: int
    y: int
    width: int
    height: int
    tilt_degrees: float = 0.0

    @property
    def area_px(self) -> int:
        """Width times height; 0 for a box without extent."""
        return max(self.width, 0) * max(self.height, 0)

    @property
    def center_px(self) -> tuple[float, float]:
        """Column and row of the middle; centres of pixels are whole numbers."""
        return self.x + (self.width - 1) / 2, self.y + (self.height - 1) / 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Face:
    """A face in a picture: its box, its 68 points in pixels (x, y), and how sure the detector is.

    `score` has no fixed range; it orders faces of one detector. It is NaN where the box came from the caller.
    """

    box: FaceBox
    landmarks_px: Float64[np.ndarray, "68 2"]
    score: float


@runtime_checkable
class FaceDetector(Protocol):
    """Finds faces of any number and size."""

    def detect(self, pixels: UInt8[np.ndarray, "H W 3"]) -> tuple[tuple[FaceBox, float], ...]:
        """Boxes with their scores, in no particular order; empty where there is no face."""
        ...


@runtime_checkable
class LandmarkModel(Protocol):
    """Places the 68 points of one face."""

    def locate(self, pixels: UInt8[np.ndarray, "H W 3"], box: FaceBox) -> Float64[np.ndarray, "68 2"]:
        """Points in pixels of `pixels`; they may lie outside the picture."""
        ...


@runtime_checkable
class RelocatingLandmarkModel(LandmarkModel, Protocol):
    """One that needs no detector's box where the points are known roughly."""

    def locate_again(
        self, pixels: UInt8[np.ndarray, "H W 3"], points: Float64[np.ndarray, "68 2"]
    ) -> Float64[np.ndarray, "68 2"]:
        """The same of a face that lies about where `points` do."""
        ...
