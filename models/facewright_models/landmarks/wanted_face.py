"""Which face of a photo is meant: the one in the caller's box, or the largest."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from facewright_models.errors import InvalidInputError, NoFaceError
from facewright_models.landmarks.finding import detect_faces, landmarks_in_box
from facewright_models.landmarks.types import Face, FaceBox
from facewright_models.photo import Notice

__all__ = ["MIN_FACE_PX", "wanted_face"]

MIN_FACE_PX = 40


def wanted_face(
    pixels: UInt8[np.ndarray, "H W 3"], box: FaceBox | None, *, field: str
) -> tuple[Face, tuple[Notice, ...]]:
    """The face, and that there are several where no box chooses one. `field` is the photo's in the request.

    Raises NoFaceError, ParameterRangeError for a bad box.
    """
    if box is not None:
        try:
            return landmarks_in_box(pixels, box), ()
        except InvalidInputError as error:
            error.field = f"{field}.{error.field}"
            raise
    faces = detect_faces(pixels)
    if not faces:
        height, width = pixels.shape[:2]
        raise NoFaceError(
            f"no face was found in the {width}x{height} photo; expected a face that looks "
            f"towards the camera, at least {MIN_FACE_PX} px wide; or give its box",
            field=field,
        )
    if len(faces) == 1:
        return faces[0], ()
    several = Notice(
        code="SEVERAL_FACES",
        message=f"{len(faces)} faces were found; the largest one was taken; a face box chooses another",
    )
    return faces[0], (several,)
