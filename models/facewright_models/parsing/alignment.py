"""The canonical crop: a face upright in the frame, its eyes 64 px apart, at 46 % of the height.

The crop is 256x256 and holds the chin and the crown with most hair. Every user of the parser aligns through here,
so that photos, renders and training samples are framed and filtered alike.
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

from facewright_models.parsing.classes import FaceClass
from facewright_models.parsing.network import INPUT_SIZE_PX

__all__ = ["crop_similarity", "similarity_from_labels", "warp_crop", "warp_labels"]

_Matrix = npt.NDArray[np.float64]
_Pixels = npt.NDArray[np.uint8]

# Right eye, left eye, mouth: where they go, as shares of the crop's side.
_TARGETS = np.array([(0.375, 0.46), (0.625, 0.46), (0.5, 0.725)])


def crop_similarity(landmarks_px: npt.NDArray[np.floating], *, scale: float = 1.0) -> _Matrix:
    """`photo_from_crop` (2, 3): takes (x, y, 1) in crop pixels to photo pixels; pixel centres are whole numbers.

    `landmarks_px` are the 68 points (68, 2) in photo pixels. `scale` 0.5 shows the face at half the size, with
    twice the surroundings.
    """
    right_eye = landmarks_px[36:42].mean(0)
    left_eye = landmarks_px[42:48].mean(0)
    mouth = landmarks_px[48:60].mean(0)
    return _similarity(np.stack([right_eye, left_eye, mouth]), scale)


def similarity_from_labels(labels: npt.NDArray[np.uint8], *, scale: float = 1.0) -> _Matrix | None:
    """The same from a label map, by the centres of eyes and lips; None if one of them does not show."""
    points = []
    for classes in (
        (FaceClass.RIGHT_EYE,),
        (FaceClass.LEFT_EYE,),
        (FaceClass.UPPER_LIP, FaceClass.LOWER_LIP, FaceClass.TEETH),
    ):
        rows, columns = np.nonzero(np.isin(labels, classes))
        if len(rows) < 4:
            return None
        points.append((float(columns.mean()), float(rows.mean())))
    return _similarity(np.array(points), scale)


def warp_crop(
    pixels: _Pixels,
    photo_from_crop: _Matrix,
    *,
    size_px: int = INPUT_SIZE_PX,
    border: int = cv2.BORDER_REPLICATE,
) -> _Pixels:
    """The crop (size, size, 3) uint8; where it shrinks the photo, each pixel is the mean of several samples."""
    steps = max(1, math.ceil(float(np.hypot(*photo_from_crop[:, 0])) - 0.05))
    fine = photo_from_crop.copy()
    fine[:, :2] /= steps
    fine[:, 2] += photo_from_crop[:, :2] @ np.full(2, 0.5 / steps - 0.5)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (size_px * steps, size_px * steps)
    warped = cv2.warpAffine(pixels, fine, size, flags=flags, borderMode=border)
    if steps == 1:
        return np.asarray(warped)
    return np.asarray(cv2.resize(warped, (size_px, size_px), interpolation=cv2.INTER_AREA))


def warp_labels(
    labels: _Pixels, photo_from_crop: _Matrix, *, size_px: int = INPUT_SIZE_PX, outside: int = 255
) -> _Pixels:
    """The label map of the crop, by the nearest photo pixel; `outside` where the photo ends."""
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(
            labels,
            photo_from_crop,
            (size_px, size_px),
            flags=flags,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=outside,
        )
    )


def _similarity(points: _Matrix, scale: float) -> _Matrix:
    """Least squares: `photo = a * crop + b` with complex numbers."""
    middle = (INPUT_SIZE_PX - 1) / 2
    targets = (_TARGETS * INPUT_SIZE_PX - 0.5 - middle) * scale + middle
    crop = targets[:, 0] + 1j * targets[:, 1]
    photo = points[:, 0] + 1j * points[:, 1]
    crop_centre, photo_centre = crop.mean(), photo.mean()
    turn = np.vdot(crop - crop_centre, photo - photo_centre) / np.vdot(crop - crop_centre, crop - crop_centre)
    shift = photo_centre - turn * crop_centre
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
