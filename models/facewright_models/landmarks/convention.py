"""How another landmark model's idea of the points differs from that of the templates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import InvalidInputError
from facewright_models.landmarks.dataset import marked_photo
from facewright_models.landmarks.dlib_models import DlibFaceDetector
from facewright_models.landmarks.template import eye_distance
from facewright_models.landmarks.types import LANDMARK_COUNT, FaceBox, LandmarkModel
from facewright_models.landmarks.views import MarkedFace

__all__ = ["boxed_photos", "mean_offset"]


def boxed_photos(templates: Sequence[Path]) -> list[tuple[str, MarkedFace, FaceBox]]:
    """The name, the photo and the largest frontal face's box of each template; those without a face are left out."""
    detector = DlibFaceDetector()
    photos = []
    for path in templates:
        face = marked_photo(path)
        found = detector.detect(face.pixels)
        if found:
            photos.append((path.stem, face, max(found, key=lambda each: each[0].area_px)[0]))
    return photos


def mean_offset(templates: Sequence[Path], model: LandmarkModel) -> NDArray[np.float64]:
    """(68, 2) by how much the model marks each point beside the template, over the distance of the eyes.

    Raises InvalidInputError where no face is found.
    """
    offsets = [
        (model.locate(face.pixels, box) - face.points[:LANDMARK_COUNT]) / eye_distance(face.points)
        for _, face, box in boxed_photos(templates)
    ]
    if not offsets:
        raise InvalidInputError("no face was found in the photos with templates", field="data")
    return np.asarray(np.mean(offsets, axis=0))
