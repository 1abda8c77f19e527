"""From a picture to the points that degrees are measured from."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from jaxtyping import Float64, UInt8
from numpy.typing import NDArray

from facewright_models.expression.lighting import evened
from facewright_models.landmarks import FaceBox, LandmarkNetworkModel, detect_faces
from facewright_models.landmarks.closer.model import CloserLook
from facewright_models.landmarks.crops import crop_of_box, crop_of_points

__all__ = ["FaceReader"]


class FaceReader:
    """Finds faces with the detector and marks them with the landmark network and the closer look; keeps both loaded."""

    def __init__(self, closer: CloserLook | None = None) -> None:
        self._given = closer

    @cached_property
    def _closer(self) -> CloserLook:
        return self._given or CloserLook()

    @cached_property
    def _model(self) -> LandmarkNetworkModel:
        return LandmarkNetworkModel()

    def points(self, pixels: UInt8[np.ndarray, "H W 3"], box: FaceBox) -> Float64[np.ndarray, "81 2"]:
        """Of the face in a detector's box. Raises WeightsError."""
        return self._refined(pixels, self._model.mark(pixels, crop_of_box(box)).points_px)

    def largest(self, pixels: UInt8[np.ndarray, "H W 3"]) -> Float64[np.ndarray, "81 2"] | None:
        """Of the largest face that is found; None where there is none. Raises WeightsError."""
        faces = detect_faces(pixels)
        return self.points(pixels, faces[0].box) if faces else None

    def points_near(
        self, pixels: UInt8[np.ndarray, "H W 3"], points: Float64[np.ndarray, "K 2"]
    ) -> Float64[np.ndarray, "81 2"]:
        """Of a face whose 68 points are known roughly, as of the frame before."""
        return self._refined(pixels, self._model.mark(pixels, crop_of_points(points[:68])).points_px)

    def _refined(self, pixels: NDArray[np.uint8], points: NDArray[np.float64]) -> NDArray[np.float64]:
        """In usual light: in a dim photo, teeth pass for a lip."""
        return self._closer.refined(evened(pixels, points), points)
