"""dlib's frontal face detector and its 68-point predictor behind our protocols.

The predictor's file was trained on iBUG 300-W, whose terms exclude commercial use. It is the only such file
of the product; it comes with the package `face_recognition_models`, is never shipped by us, and stands behind
`LandmarkModel` so that another model can take its place.

Source of the files: https://github.com/davisking/dlib-models
"""

import importlib.util
import threading
from pathlib import Path

import dlib
import numpy as np
from jaxtyping import Float64, UInt8

from facewright_models.errors import WeightsError
from facewright_models.landmarks.types import FaceBox

__all__ = ["DlibFaceDetector", "DlibLandmarkModel", "dlib_model_path"]

_PACKAGE = "face_recognition_models"
_PREDICTOR_FILE = "shape_predictor_68_face_landmarks.dat"


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


class DlibLandmarkModel:
    """The 68 points by an ensemble of regression trees; made for boxes as `DlibFaceDetector` draws them."""

    def __init__(self, path: Path | None = None) -> None:
        """Read the predictor (95 MB, half a second) from `path` or from `face_recognition_models`."""
        self._predictor = dlib.shape_predictor(str(path or dlib_model_path(_PREDICTOR_FILE)))

    def locate(self, pixels: UInt8[np.ndarray, "H W 3"], box: FaceBox) -> Float64[np.ndarray, "68 2"]:
        """Points in pixels, whole numbers, at the same cost for every picture size (2 ms)."""
        rectangle = dlib.rectangle(box.x, box.y, box.x + box.width - 1, box.y + box.height - 1)
        shape = self._predictor(np.ascontiguousarray(pixels), rectangle)
        return np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64)
