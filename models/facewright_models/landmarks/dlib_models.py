"""dlib's face detectors and its 68-point predictor behind our protocols.

The predictor's file was trained on iBUG 300-W, whose terms exclude commercial use. It is the only such file
of the product; it comes with the package `face_recognition_models`, is never shipped by us, and stands behind
`LandmarkModel`, where `LandmarkNetworkModel` can take its place. The file of the convolutional detector comes with
the same package and is CC0.

Source of the files: https://github.com/davisking/dlib-models
"""

import importlib.util
import math
import threading
from functools import cached_property
from pathlib import Path

import cv2
import dlib
import numpy as np
from jaxtyping import Float64, UInt8

from facewright_models.errors import WeightsError
from facewright_models.landmarks.types import FaceBox

__all__ = ["DlibCnnFaceDetector", "DlibFaceDetector", "DlibLandmarkModel", "dlib_model_path"]

_PACKAGE = "face_recognition_models"
_PREDICTOR_FILE = "shape_predictor_68_face_landmarks.dat"
_CNN_FILE = "mmod_human_face_detector.dat"
_CNN_PIXELS = 400_000
_CNN_MAX_SCALE = 2.0
_CNN_MIN_FACE_PX = 60
_UPRIGHT_SIDES, _UPRIGHT_PX = 2.0, 400


def dlib_model_path(file_name: str) -> Path:
    """Where a `.dat` file of the package `face_recognition_models` lies.

    The package is located and not imported: importing it needs `pkg_resources`, which setuptools dropped.
    Raises `WeightsError` where the package or the file is missing.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        path = Path(folder) / "models" / file_name
        if path.is_file():
            return path
    raise WeightsError(
        f"{file_name} was not found in the package {_PACKAGE}; run: pip install {_PACKAGE}",
        metadata={"file": file_name, "package": _PACKAGE},
    )


class DlibFaceDetector:
    """Frontal faces (to about 40 degrees of yaw and tilt) that are at least 80 pixels wide."""

    def __init__(self, *, score_threshold: float = 0.0) -> None:
        self._score_threshold = score_threshold
        self._detector = dlib.get_frontal_face_detector()
        self._lock = threading.Lock()  # a detector keeps its image pyramid inside

    def detect(self, pixels: UInt8[np.ndarray, "H W 3"]) -> tuple[tuple[FaceBox, float], ...]:
        """Boxes and scores; 0.05 s per megapixel on one core."""
        with self._lock:
            rectangles, scores, _ = self._detector.run(np.ascontiguousarray(pixels), 0, self._score_threshold)
        return tuple(
            (
                FaceBox(
                    x=rectangle.left(), y=rectangle.top(), width=rectangle.width(), height=rectangle.height()
                ),
                float(score),
            )
            for rectangle, score in zip(rectangles, scores, strict=True)
        )


class DlibCnnFaceDetector:
    """Faces of any turn to a profile, and tilted by up to 45 degrees, that are at least 80 pixels wide in the copy that
    is looked at: the picture made smaller, or at most twice as large, so that it has `max_pixels`.

    Six seconds per megapixel of that copy on one core: 2.4 s for the default, whatever the picture's size.

    Source: "Max-Margin Object Detection" (King 2015), as a convolutional network; the file is CC0.
    """

    def __init__(self, *, score_threshold: float = 0.0, max_pixels: int = _CNN_PIXELS) -> None:
        """The file is read when the first picture comes. Raises `WeightsError` then where it is missing."""
        self._score_threshold = score_threshold
        self._max_pixels = max_pixels
        self._lock = threading.Lock()

    @cached_property
    def _detector(self) -> dlib.cnn_face_detection_model_v1:
        return dlib.cnn_face_detection_model_v1(str(dlib_model_path(_CNN_FILE)))

    def detect(self, pixels: UInt8[np.ndarray, "H W 3"]) -> tuple[tuple[FaceBox, float], ...]:
        """Boxes and scores, about 1 for a face that is seen well."""
        height, width = pixels.shape[:2]
        scale = min(_CNN_MAX_SCALE, math.sqrt(self._max_pixels / (height * width)))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        if min(size) < _CNN_MIN_FACE_PX:
            return ()  # no face fits, and dlib's network does not survive pictures of a few pixels
        interpolation = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
        resized = np.ascontiguousarray(cv2.resize(pixels, size, interpolation=interpolation))
        with self._lock:
            found = self._detector(resized, 0)
        return tuple(
            (
                FaceBox(
                    x=round(each.rect.left() / scale),
                    y=round(each.rect.top() / scale),
                    width=round(each.rect.width() / scale),
                    height=round(each.rect.height() / scale),
                ),
                float(each.confidence),
            )
            for each in found
            if each.confidence >= self._score_threshold
        )


class DlibLandmarkModel:
    """The 68 points by an ensemble of regression trees; made for boxes as `DlibFaceDetector` draws them."""

    def __init__(self, path: Path | None = None) -> None:
        """Read the predictor (95 MB, half a second) from `path` or from `face_recognition_models`."""
        self._predictor = dlib.shape_predictor(str(path or dlib_model_path(_PREDICTOR_FILE)))

    def locate(self, pixels: UInt8[np.ndarray, "H W 3"], box: FaceBox) -> Float64[np.ndarray, "68 2"]:
        """Points in pixels, whole numbers, at the same cost for every picture size (2 ms)."""
        if box.tilt_degrees:
            upright, photo_from_upright = _upright(pixels, box)
            inside = round(upright.shape[0] * (1 - 1 / _UPRIGHT_SIDES) / 2)
            side = upright.shape[0] - 2 * inside
            points = self.locate(upright, FaceBox(x=inside, y=inside, width=side, height=side))
            return np.asarray(points @ photo_from_upright[:, :2].T + photo_from_upright[:, 2])
        rectangle = dlib.rectangle(box.x, box.y, box.x + box.width - 1, box.y + box.height - 1)
        shape = self._predictor(np.ascontiguousarray(pixels), rectangle)
        return np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64)


def _upright(
    pixels: UInt8[np.ndarray, "H W 3"], box: FaceBox
) -> tuple[UInt8[np.ndarray, "h w 3"], Float64[np.ndarray, "2 3"]]:
    """The surroundings of a tilted box, turned upright, and where their pixels lie in the picture."""
    step = _UPRIGHT_SIDES * math.sqrt(max(box.area_px, 1)) / _UPRIGHT_PX
    tilt = math.radians(box.tilt_degrees)
    linear = step * np.array([[math.cos(tilt), -math.sin(tilt)], [math.sin(tilt), math.cos(tilt)]])
    offset = np.array(box.center_px) - linear @ np.full(2, (_UPRIGHT_PX - 1) / 2)
    photo_from_upright = np.concatenate([linear, offset[:, None]], 1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    turned = cv2.warpAffine(pixels, photo_from_upright, (_UPRIGHT_PX, _UPRIGHT_PX), flags=flags)
    return np.asarray(turned, dtype=np.uint8), photo_from_upright
