"""The foundry: unlimited, perfectly labelled data from the rig."""

from facewright_models.foundry.capture import capture, read_shards
from facewright_models.foundry.face_capture import capture_faces
from facewright_models.foundry.sampling import ACTION_GROUPS, Posed, VectorLayout, random_posed

__all__ = [
    "ACTION_GROUPS",
    "Posed",
    "VectorLayout",
    "capture",
    "capture_faces",
    "random_posed",
    "read_shards",
]
