"""Which face of a photo is meant: the one in the caller's box, or the largest."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from facewright_models.errors import FaceTooSmallError, InvalidInputError, NoFaceError
from facewright_models.landmarks.finding import detect_faces, landmarks_in_box
from facewright_models.landmarks.types import Face, FaceBox
from facewright_models.photo import Notice

__all__ = ["MIN_FACE_PX", "wanted_face"]

MIN_FACE_PX = 40
_BOX_SLACK = 0.9
"""The detector's boxes come in steps of a fifth: that of a face of 40 pixels may have 37."""


def wanted_face(
    pixels: UInt8[np.ndarray, "H W 3"], box: FaceBox | None, *, field: str
) -> tuple[Face, tuple[Notice, ...]]:
    """The face, and that there are several where no box chooses one. `field` is the photo's in the request.

    Raises NoFaceError, FaceTooSmallError (under 40 px), ParameterRangeError for a bad box.
    """
    if box is not None:
        try:
            face = landmarks_in_box(pixels, box)
        except InvalidInputError as error:
            error.field = f"{field}.{error.field}"
            raise
        return _large_enough(face, field), ()
    faces = detect_faces(pixels)
    if not faces:
        height, width = pixels.shape[:2]
        raise NoFaceError(
            f"no face was found in the {width}x{height} photo; expected a face that looks "
            f"towards the camera, at least {MIN_FACE_PX} px wide; or give its box",
            field=field,
        )
    face = _large_enough(faces[0], field)
    if len(faces) == 1:
        return face, ()
    several = Notice(
        code="SEVERAL_FACES",
        message=f"{len(faces)} faces were found; the largest one was taken; a face box chooses another",
    )
    return face, (several,)


def _large_enough(face: Face, field: str) -> Face:
    side = min(face.box.width, face.box.height)
    if side < _BOX_SLACK * MIN_FACE_PX:
        raise FaceTooSmallError(
            f"the face is {side:.0f} px wide; expected at least {MIN_FACE_PX} px; use a larger photo",
            field=field,
            metadata={"got_px": f"{side:.0f}", "minimum_px": str(MIN_FACE_PX)},
        )
    return face
