"""Photos with other expressions: what finds the face, measures it and draws it, loaded once."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, UInt8

from facewright_models.expression.animated_face import AnimatedFace
from facewright_models.expression.calibrated_face import CalibratedFace
from facewright_models.expression.degrees import Rest, degrees_of, rest_of
from facewright_models.expression.processing import ProcessingModel
from facewright_models.expression.reading import FaceReader
from facewright_models.expression.store import load_processing_model
from facewright_models.landmarks import FaceBox
from facewright_models.landmarks.wanted_face import wanted_face
from facewright_models.photo import Notice, Photo

__all__ = ["Animator", "opened_face"]


def opened_face(
    model: ProcessingModel,
    reader: FaceReader,
    pixels: UInt8[np.ndarray, "H W 3"],
    points: Float64[np.ndarray, "81 2"],
    rest: Rest,
    *,
    notices: tuple[Notice, ...] = (),
) -> CalibratedFace:
    """A photo's face whose points and rest are known."""
    face = AnimatedFace(model, pixels, points, rest, notices=notices)
    return CalibratedFace(face, points, rest, reader.points_near)


class Animator:
    """Opens photos for animation. Safe to share between threads; what it opens is one thread's at a time."""

    def __init__(self, model: ProcessingModel, reader: FaceReader) -> None:
        self._model, self._reader = model, reader

    @classmethod
    def load(cls) -> Animator:
        """With the shipped weights. Raises WeightsError."""
        return cls(load_processing_model(), FaceReader())

    def open(self, photo: Photo, *, face_box: FaceBox | None = None) -> CalibratedFace:
        """The photo's largest face, or the one that the box means, a drawn or an animal's one too if one is found.

        Raises NoFaceError, FaceTooSmallError (under 40 px), ParameterRangeError for a bad box.
        """
        face, several = wanted_face(photo.pixels, face_box, field="photo")
        points = self._reader.points(photo.pixels, face.box)
        notices: tuple[Notice, ...] = (*photo.warnings, *several)
        return opened_face(self._model, self._reader, photo.pixels, points, rest_of(points), notices=notices)

    def measure(self, pixels: UInt8[np.ndarray, "H W 3"]) -> dict[str, float] | None:
        """All degrees of the largest face of a picture; None where there is none."""
        points = self._reader.largest(pixels)
        return None if points is None else degrees_of(points, rest_of(points))
