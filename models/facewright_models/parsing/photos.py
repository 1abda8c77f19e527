"""Labelled photos for training and scoring, from a folder laid out like the project's shared data.

Who trains and who is held out is decided here and nowhere else: London people with `id % 4 == 0` are held out, the
Canada photos are never trained on, and the composites are left out because they average people of both groups.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from facewright_models.errors import InvalidInputError
from facewright_models.landmarks import detect_faces
from facewright_models.parsing.autolabel import backdrop_opacity, complete_labels
from facewright_models.parsing.classes import CLASS_COUNT, IGNORE, FaceClass
from facewright_models.photo import decode_photo

__all__ = [
    "FindLandmarks",
    "LabelledPhoto",
    "held_out_photos",
    "held_out_smiles",
    "is_held_out",
    "largest_face_landmarks",
    "mouth_labels",
    "read_labels",
    "smiling_photos",
    "training_photos",
]

_log = logging.getLogger(__name__)
_Pixels = npt.NDArray[np.uint8]
_Points = npt.NDArray[np.float64]

#: The 68 points of the largest face of a picture, None where there is none.
FindLandmarks = Callable[[_Pixels], _Points | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledPhoto:
    """A photo with its label map (IGNORE where unlabelled), 68 points, and where it is not plain backdrop.

    `opacity` (H, W) float32 is 0 on the backdrop and 1 on the person; None where the backdrop is not known.
    """

    person: str
    pixels: _Pixels
    labels: _Pixels
    landmarks_px: _Points
    opacity: npt.NDArray[np.float32] | None = None


def largest_face_landmarks(pixels: _Pixels) -> _Points | None:
    """The 68 points (68, 2) of the largest face, None where there is none."""
    faces = detect_faces(pixels)
    return faces[0].landmarks_px if faces else None


def is_held_out(path: Path) -> bool:
    """True for a London photo (named by the person's number) whose person no model may train on."""
    return int(path.name.split("_")[0]) % 4 == 0


def training_photos(
    data: Path, find_landmarks: FindLandmarks = largest_face_landmarks
) -> list[LabelledPhoto]:
    """Neutral photos of training people, with background and hair added to their labels."""
    photos = []
    for path in _pictures(data / "faces" / "london" / "neutral"):
        if not is_held_out(path) and (photo := _labelled(path, find_landmarks)) is not None:
            completed = complete_labels(photo.pixels, photo.labels)
            opacity = backdrop_opacity(photo.pixels, photo.labels)
            photos.append(replace(photo, labels=completed, opacity=opacity))
    if not photos:
        raise InvalidInputError(f"no labelled training photos under {data}/faces/london/neutral")
    return photos


def smiling_photos(data: Path, find_landmarks: FindLandmarks = largest_face_landmarks) -> list[LabelledPhoto]:
    """Smiling photos of training people; of them only lips and inner mouth are labelled, by landmarks."""
    return _smiles([path for path in _smiling_pictures(data) if not is_held_out(path)], find_landmarks)


def held_out_smiles(
    data: Path, find_landmarks: FindLandmarks = largest_face_landmarks
) -> list[LabelledPhoto]:
    """The same of people no model trains on."""
    return _smiles([path for path in _smiling_pictures(data) if is_held_out(path)], find_landmarks)


def held_out_photos(
    data: Path, find_landmarks: FindLandmarks = largest_face_landmarks
) -> dict[str, list[LabelledPhoto]]:
    """Labelled photos no model trains on, by set; labels as they come, without added background or hair."""
    london = [path for path in _pictures(data / "faces" / "london" / "neutral") if is_held_out(path)]
    canada = _pictures(data / "faces" / "canada")
    return {
        name: [photo for path in paths if (photo := _labelled(path, find_landmarks)) is not None]
        for name, paths in (("london", london), ("canada", canada))
    }


def read_labels(path: Path) -> _Pixels:
    """A label map (H, W); raises InvalidInputError if it is no index image of the eleven classes."""
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if labels is None or labels.ndim != 2 or labels.dtype != np.uint8:
        raise InvalidInputError(f"{path} is no 8-bit index image")
    wrong = np.setdiff1d(np.unique(labels), [*range(CLASS_COUNT), IGNORE])
    if len(wrong):
        raise InvalidInputError(
            f"{path} has classes {wrong.tolist()}, expected 0..{CLASS_COUNT - 1} and {IGNORE}"
        )
    return np.asarray(labels)


def mouth_labels(landmarks_px: _Points, shape: tuple[int, int]) -> _Pixels:
    """Lips and inner mouth (H, W) as the 68 points outline them, IGNORE elsewhere and along every edge."""
    labels = np.full(shape, IGNORE, np.uint8)
    upper = [48, 49, 50, 51, 52, 53, 54, 64, 63, 62, 61, 60]
    lower = [54, 55, 56, 57, 58, 59, 48, 60, 67, 66, 65, 64]
    inner = [60, 61, 62, 63, 64, 65, 66, 67]
    for indices, value in (
        (upper, FaceClass.UPPER_LIP),
        (lower, FaceClass.LOWER_LIP),
        (inner, FaceClass.TEETH),
    ):
        outline = landmarks_px[indices]
        if value == FaceClass.TEETH and cv2.contourArea(outline.astype(np.float32)) < 30:
            continue
        cv2.fillPoly(labels, [np.round(outline * 16).astype(np.int32)], int(value), cv2.LINE_8, 4)
    edges = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    labels[edges] = IGNORE
    return labels


def _labelled(path: Path, find_landmarks: FindLandmarks = largest_face_landmarks) -> LabelledPhoto | None:
    label_path = path.with_name(path.stem + ".labels.png")
    if not label_path.is_file():
        return None
    pixels = decode_photo(path.read_bytes()).pixels
    labels = read_labels(label_path)
    points = find_landmarks(pixels)
    if points is None:
        _log.warning("no face found in a labelled photo", extra={"photo": path.name})
        return None
    return LabelledPhoto(person=path.stem.split("_")[0], pixels=pixels, labels=labels, landmarks_px=points)


def _smiling_pictures(data: Path) -> list[Path]:
    return _pictures(data / "faces" / "london" / "smiling")


def _smiles(paths: list[Path], find_landmarks: FindLandmarks) -> list[LabelledPhoto]:
    photos = []
    for path in paths:
        pixels = decode_photo(path.read_bytes()).pixels
        points = find_landmarks(pixels)
        if points is None:
            _log.warning("no face found in a smiling photo", extra={"photo": path.name})
            continue
        labels = mouth_labels(points, (pixels.shape[0], pixels.shape[1]))
        photos.append(
            LabelledPhoto(person=path.stem.split("_")[0], pixels=pixels, labels=labels, landmarks_px=points)
        )
    return photos


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.jpg") if path.name[:3].isdigit()) if folder.is_dir() else []
