"""From photos to aligned frames: find the face, judge whether it can be fitted, bring it to the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.errors import InvalidInputError
from facewright_models.fitting.alignment import align_matrix, transform_points, warp_to_frame
from facewright_models.fitting.exposure import brightened
from facewright_models.fitting.glasses import wears_glasses
from facewright_models.fitting.small_faces import seen_closer
from facewright_models.fitting.types import Check, Subject, go_on
from facewright_models.landmarks import Face, yaw_estimate_degrees
from facewright_models.landmarks.wanted_face import MIN_FACE_PX, wanted_face
from facewright_models.photo import Notice, Photo

__all__ = [
    "MAX_PHOTOS",
    "MIN_FACE_PX",
    "AlignedPhoto",
    "aligned_to",
    "as_images",
    "check_subject",
    "prepare",
]

_SMALL_FACE_PX = 60
MAX_PHOTOS = 8
_FRONTAL_DEGREES = 18.0


@dataclass(frozen=True, kw_only=True)
class AlignedPhoto:
    """A photo in the frame of the reference face.

    frame (512, 512, 3) uint8; landmarks (68, 2) in frame pixels; frame_from_photo (2, 3).
    """

    subject: int
    photo: Photo
    photo_landmarks: NDArray[np.float64]
    frame_from_photo: NDArray[np.float64]
    frame: NDArray[np.uint8]
    landmarks: NDArray[np.float64]
    warnings: tuple[Notice, ...]


def prepare(
    index: int,
    subject: Subject,
    reference_landmarks: NDArray[np.float64],
    kind: Literal["similarity", "affine"],
    check: Check = go_on,
) -> list[AlignedPhoto]:
    """All photos of one subject (see `check_subject`), aligned. `index` is its place in the call.

    `check` is called before each photo; finding a face in one is a single call into dlib, 0.1 to 0.6 s.
    Raises NoFaceError, FaceTooSmallError (under 40 px).
    """
    result = []
    boxes = subject.face_boxes or (None,) * len(subject.photos)
    for number, (photo, box) in enumerate(zip(subject.photos, boxes, strict=True)):
        check()
        field = f"subjects[{index}].photos[{number}]"
        notices = list(photo.warnings)
        lighter = brightened(photo.pixels)
        if lighter is not None:
            photo = replace(photo, pixels=lighter)
            notices.append(
                Notice(
                    code="DARK", message="the photo is dark and was brightened; one in more light fits better"
                )
            )
        face, several = wanted_face(photo.pixels, box, field=field)
        notices += several
        result.append(_align(index, photo, face, reference_landmarks, kind, notices))
    return result


def check_subject(index: int, subject: Subject) -> None:
    """Raises InvalidInputError for no photo, too many photos, or a number of face boxes that does not fit."""
    if not 1 <= len(subject.photos) <= MAX_PHOTOS:
        raise InvalidInputError(
            f"subject {index} has {len(subject.photos)} photos; expected 1..{MAX_PHOTOS}",
            field=f"subjects[{index}].photos",
            metadata={"got": str(len(subject.photos))},
        )
    if subject.face_boxes and len(subject.face_boxes) != len(subject.photos):
        raise InvalidInputError(
            f"subject {index} has {len(subject.photos)} photos and {len(subject.face_boxes)} face boxes; "
            "expected one box (or None) for each photo, or no boxes at all",
            field=f"subjects[{index}].face_boxes",
            metadata={"got": str(len(subject.face_boxes))},
        )


def aligned_to(photo: AlignedPhoto, frame_from_photo: NDArray[np.float64]) -> AlignedPhoto:
    """The same photo under another transform."""
    return replace(
        photo,
        frame_from_photo=frame_from_photo,
        frame=warp_to_frame(photo.photo.pixels, frame_from_photo),
        landmarks=transform_points(frame_from_photo, photo.photo_landmarks),
    )


def as_images(frames: Sequence[NDArray[np.uint8]]) -> Tensor:
    """(N, 3, H, W) float in [0,1] of uint8 frames: the one conversion of both branches of every loss."""
    return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float() / 255


def _align(
    subject: int,
    photo: Photo,
    face: Face,
    reference_landmarks: NDArray[np.float64],
    kind: Literal["similarity", "affine"],
    notices: list[Notice],
) -> AlignedPhoto:
    side = min(face.box.width, face.box.height)
    if side < _SMALL_FACE_PX:
        face = seen_closer(photo.pixels, face)
        notices.append(
            Notice(
                code="SMALL_FACE",
                message=f"the face is only {side:.0f} px wide; a photo with at least {_SMALL_FACE_PX} px fits better",
            )
        )
    yaw = yaw_estimate_degrees(face.landmarks_px)
    if abs(yaw) > _FRONTAL_DEGREES:
        notices.append(
            Notice(
                code="NOT_FRONTAL",
                message=f"the head is turned by about {abs(yaw):.0f} degrees; a frontal photo fits better",
            )
        )
    if wears_glasses(photo.pixels, face.landmarks_px):
        notices.append(
            Notice(
                code="GLASSES",
                message="the face seems to wear glasses; brows and eyes fit better without",
            )
        )
    matrix = align_matrix(face.landmarks_px, reference_landmarks, kind)
    return AlignedPhoto(
        subject=subject,
        photo=photo,
        photo_landmarks=face.landmarks_px,
        frame_from_photo=matrix,
        frame=warp_to_frame(photo.pixels, matrix),
        landmarks=transform_points(matrix, face.landmarks_px),
        warnings=tuple(notices),
    )
