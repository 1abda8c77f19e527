"""Faces in pictures: where they are, and their 68 points.

`detect_faces` and `landmarks_in_box` are what a caller needs; `FaceDetector` and `LandmarkModel` are the
seams behind which dlib stands today. The 68-point file is for non-commercial use (see `dlib_models`).
"""

from facewright_models.landmarks.dlib_models import DlibFaceDetector, DlibLandmarkModel, dlib_model_path
from facewright_models.landmarks.finding import detect_faces, landmarks_in_box
from facewright_models.landmarks.pose import yaw_estimate_degrees
from facewright_models.landmarks.types import LANDMARK_COUNT, Face, FaceBox, FaceDetector, LandmarkModel

__all__ = [
    "LANDMARK_COUNT",
    "DlibFaceDetector",
    "DlibLandmarkModel",
    "Face",
    "FaceBox",
    "FaceDetector",
    "LandmarkModel",
    "detect_faces",
    "dlib_model_path",
    "landmarks_in_box",
    "yaw_estimate_degrees",
]
