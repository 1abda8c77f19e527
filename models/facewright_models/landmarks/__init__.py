"""Faces in pictures: where they are, and their 68 points.

`detect_faces` and `landmarks_in_box` are what a caller needs; `FaceDetector` and `LandmarkModel` are the
seams behind which detectors and models stand. Which model marks faces is chosen once for a process (see `choice`):
dlib's, whose 68-point file is for non-commercial use, or our own network, which also marks forehead and irises.
"""

from facewright_models.landmarks.choice import LANDMARK_MODELS, use_landmark_model
from facewright_models.landmarks.dlib_models import (
    DlibCnnFaceDetector,
    DlibFaceDetector,
    DlibLandmarkModel,
    dlib_model_path,
)
from facewright_models.landmarks.finding import (
    detect_faces,
    detect_frontal_faces,
    landmarks_in_box,
    landmarks_near,
)
from facewright_models.landmarks.network_model import LandmarkNetworkModel, MarkedPoints
from facewright_models.landmarks.pose import yaw_estimate_degrees
from facewright_models.landmarks.tilted import TiltedFaceDetector
from facewright_models.landmarks.types import (
    LANDMARK_COUNT,
    Face,
    FaceBox,
    FaceDetector,
    LandmarkModel,
    RelocatingLandmarkModel,
)

__all__ = [
    "LANDMARK_COUNT",
    "LANDMARK_MODELS",
    "DlibCnnFaceDetector",
    "DlibFaceDetector",
    "DlibLandmarkModel",
    "Face",
    "FaceBox",
    "FaceDetector",
    "LandmarkModel",
    "LandmarkNetworkModel",
    "MarkedPoints",
    "RelocatingLandmarkModel",
    "TiltedFaceDetector",
    "detect_faces",
    "detect_frontal_faces",
    "dlib_model_path",
    "landmarks_in_box",
    "landmarks_near",
    "use_landmark_model",
    "yaw_estimate_degrees",
]
