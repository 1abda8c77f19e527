"""Finding faces and their landmarks in photos of any size."""

import math
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
from jaxtyping import Float64, UInt8

from facewright_models.errors import NoFaceError, ParameterRangeError
from facewright_models.landmarks.choice import default_landmark_model
from facewright_models.landmarks.dlib_models import DlibCnnFaceDetector, DlibFaceDetector
from facewright_models.landmarks.tilted import TiltedFaceDetector
from facewright_models.landmarks.types import (
    Face,
    FaceBox,
    FaceDetector,
    LandmarkModel,
    RelocatingLandmarkModel,
)

__all__ = ["detect_faces", "detect_frontal_faces", "landmarks_in_box", "landmarks_near"]

# A photo is searched at two megapixels at most, where a face that spans 6 % of the picture's width is found.
# Only where that finds nothing is it searched again at up to eight, enlarged to twice its size if need be:
# enlarging finds faces down to 40 pixels, but also invents some, so those must score.
_FIRST_LOOK_PIXELS = 2_000_000
_SECOND_LOOK_PIXELS = 8_000_000
_SECOND_LOOK_MAX_SCALE = 2.0
_SECOND_LOOK_MIN_SCORE = 0.1
# Where nobody stands upright, tilted heads are looked for, and then turned ones, which takes longest. What counts as
# found leaves room above the false alarms on photos without people.
_TILTED_MIN_SCORE = 0.35
_CNN_MIN_SCORE = 0.3
_CNN_PIXELS = 250_000

# Around a box given by the caller, whose idea of a face's extent may differ from the detector's.
_BOX_MARGIN = 0.5
_BOX_MIN_FACE_PX = 100.0
_BOX_LOOK_PX = 400.0
_BOX_SCORE_THRESHOLD = -0.3


def detect_faces(
    pixels: UInt8[np.ndarray, "H W 3"],
    *,
    detector: FaceDetector | None = None,
    landmark_model: LandmarkModel | None = None,
) -> tuple[Face, ...]:
    """All faces that the first look finding any finds, the largest first; empty where there is none.

    The looks are for frontal faces, for small ones, for heads tilted in the picture, for heads turned aside; with a
    `detector` of the caller's only the first two. Boxes and landmarks are in pixels of `pixels`. About 0.1 s for a
    photo of any size, up to 0.6 s where the faces are small, 1.5 s where they are tilted and 3 s where they are turned
    or there is none, on one core. A photo with large faces does not report those under 6 % of its width.
    """
    model = landmark_model or default_landmark_model()
    found = _upright(pixels, detector or _default_detector())
    if not found and detector is None:
        found = _first_found(pixels, _patient_detectors())
    return _marked(pixels, found, model)


def detect_frontal_faces(pixels: UInt8[np.ndarray, "H W 3"]) -> tuple[Face, ...]:
    """The same for pictures whose faces look ahead and stand upright, as frames of characters do: the first two looks.

    At most 0.6 s, also where there is no face.
    """
    return _marked(pixels, _upright(pixels, _default_detector()), default_landmark_model())


def landmarks_near(
    pixels: UInt8[np.ndarray, "H W 3"], points: Float64[np.ndarray, "68 2"]
) -> Float64[np.ndarray, "68 2"] | None:
    """The 68 points of an upright face that lies about where `points` do, as of a character whose rig tells them.

    None where the landmark model depends on a detector's box and there is none.
    """
    model = default_landmark_model()
    if isinstance(model, RelocatingLandmarkModel):
        return model.locate_again(pixels, points)
    faces = detect_frontal_faces(pixels)
    return faces[0].landmarks_px if faces else None


def landmarks_in_box(
    pixels: UInt8[np.ndarray, "H W 3"],
    box: FaceBox,
    *,
    detector: FaceDetector | None = None,
    landmark_model: LandmarkModel | None = None,
) -> Face:
    """The face that a box given by the caller means.

    The box may be loose or tight: the detector looks again inside and around it, with a lower threshold than
    for a whole photo, and its own box, on which the landmarks depend, is what comes back. Tilted and turned heads are
    looked for as in `detect_faces`.

    Raises `ParameterRangeError` for a box without area or outside the picture, `NoFaceError` where it holds
    no face.
    """
    rest: tuple[FaceDetector, ...] = () if detector else _patient_detectors()
    detector = detector or _box_detector()
    landmark_model = landmark_model or default_landmark_model()
    _check_box(pixels, box)
    corner, crop = _crop_around(pixels, box)
    face_px = math.sqrt(box.area_px)
    # The box's own idea of scale first; a loose box around a small face needs a closer look.
    for target_px in (_BOX_MIN_FACE_PX * 2.0, _BOX_LOOK_PX):
        scale = min(target_px / face_px, math.sqrt(_SECOND_LOOK_PIXELS / (crop.shape[0] * crop.shape[1])))
        candidates = _within(box, corner, _detect_at(crop, scale, detector))
        if candidates:
            break
    else:
        candidates = _within(box, corner, _first_found(crop, rest))
    if not candidates:
        raise NoFaceError(
            f"no face was found inside the box x={box.x} y={box.y} width={box.width} height={box.height}; "
            "draw the box around one whole face, from chin to brow",
            field="face_box",
            metadata={"x": str(box.x), "y": str(box.y), "width": str(box.width), "height": str(box.height)},
        )
    _, score, best = max(candidates, key=lambda candidate: candidate[:2])
    return Face(box=best, landmarks_px=landmark_model.locate(pixels, best), score=score)


def _upright(pixels: UInt8[np.ndarray, "H W 3"], detector: FaceDetector) -> tuple[tuple[FaceBox, float], ...]:
    """What the detector finds at first, or else in a closer look."""
    found = _detect_at(pixels, min(1.0, _scale_to(pixels, _FIRST_LOOK_PIXELS)), detector)
    if found:
        return found
    scale = min(_SECOND_LOOK_MAX_SCALE, _scale_to(pixels, _SECOND_LOOK_PIXELS))
    closer = _detect_at(pixels, scale, detector)
    return tuple((box, score) for box, score in closer if score >= _SECOND_LOOK_MIN_SCORE)


def _marked(
    pixels: UInt8[np.ndarray, "H W 3"], found: tuple[tuple[FaceBox, float], ...], model: LandmarkModel
) -> tuple[Face, ...]:
    """The largest first."""
    faces = (Face(box=box, landmarks_px=model.locate(pixels, box), score=score) for box, score in found)
    return tuple(sorted(faces, key=lambda face: (-face.box.area_px, face.box.x, face.box.y)))


@cache
def _default_detector() -> FaceDetector:
    return DlibFaceDetector()


@cache
def _box_detector() -> FaceDetector:
    return DlibFaceDetector(score_threshold=_BOX_SCORE_THRESHOLD)


@cache
def _patient_detectors() -> tuple[FaceDetector, ...]:
    return (
        TiltedFaceDetector(DlibFaceDetector(), score_threshold=_TILTED_MIN_SCORE),
        DlibCnnFaceDetector(score_threshold=_CNN_MIN_SCORE, max_pixels=_CNN_PIXELS),
    )


def _first_found(
    pixels: UInt8[np.ndarray, "H W 3"], detectors: tuple[FaceDetector, ...]
) -> tuple[tuple[FaceBox, float], ...]:
    """What the first of the detectors finds that finds any face."""
    for detector in detectors:
        if found := detector.detect(pixels):
            return found
    return ()


def _within(
    box: FaceBox, corner: tuple[int, int], found: tuple[tuple[FaceBox, float], ...]
) -> list[tuple[float, float, FaceBox]]:
    """Faces found in the crop whose centre lies in the box: overlap with it, score, and where they are in the photo."""
    moved = ((replace(each, x=each.x + corner[0], y=each.y + corner[1]), score) for each, score in found)
    return [(_overlap(each, box), score, each) for each, score in moved if _centre_is_inside(each, box)]


def _scale_to(pixels: UInt8[np.ndarray, "H W 3"], pixel_count: int) -> float:
    return math.sqrt(pixel_count / (pixels.shape[0] * pixels.shape[1]))


def _detect_at(
    pixels: UInt8[np.ndarray, "H W 3"], scale: float, detector: FaceDetector
) -> tuple[tuple[FaceBox, float], ...]:
    """Detect in a resized copy; boxes come back in pixels of the original."""
    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return detector.detect(pixels)
    interpolation = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    resized = cv2.resize(pixels, size, interpolation=interpolation)
    return tuple((_scaled(box, 1.0 / scale), score) for box, score in detector.detect(resized))


def _scaled(box: FaceBox, factor: float) -> FaceBox:
    left, top = round(box.x * factor), round(box.y * factor)
    right, bottom = round((box.x + box.width) * factor), round((box.y + box.height) * factor)
    return replace(box, x=left, y=top, width=right - left, height=bottom - top)


def _check_box(pixels: UInt8[np.ndarray, "H W 3"], box: FaceBox) -> None:
    height, width = pixels.shape[:2]
    is_inside = box.x < width and box.y < height and box.x + box.width > 0 and box.y + box.height > 0
    if box.area_px == 0 or not is_inside:
        raise ParameterRangeError(
            f"the face box x={box.x} y={box.y} width={box.width} height={box.height} covers nothing of the "
            f"{width} x {height} photo; expected a box with area inside it, in pixels of the upright photo",
            field="face_box",
            metadata={"photo_width": str(width), "photo_height": str(height)},
        )


def _crop_around(
    pixels: UInt8[np.ndarray, "H W 3"], box: FaceBox
) -> tuple[tuple[int, int], UInt8[np.ndarray, "h w 3"]]:
    """The box with its margin, cut at the picture's border, and the crop's upper left corner (x, y)."""
    margin_x, margin_y = round(box.width * _BOX_MARGIN), round(box.height * _BOX_MARGIN)
    left, top = max(0, box.x - margin_x), max(0, box.y - margin_y)
    right, bottom = box.x + box.width + margin_x, box.y + box.height + margin_y
    return (left, top), pixels[top:bottom, left:right]


def _centre_is_inside(inner: FaceBox, outer: FaceBox) -> bool:
    x, y = inner.x + inner.width / 2.0, inner.y + inner.height / 2.0
    return outer.x <= x <= outer.x + outer.width and outer.y <= y <= outer.y + outer.height


def _overlap(one: FaceBox, other: FaceBox) -> float:
    """Intersection over union, in [0, 1]."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    intersection = max(width, 0) * max(height, 0)
    return intersection / max(one.area_px + other.area_px - intersection, 1)
