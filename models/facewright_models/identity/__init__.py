"""Identity: a differentiable face recognition network, its chips and its distances."""

from facewright_models.identity.chip import chip_similarity, face_chip_from_landmarks
from facewright_models.identity.network import (
    CHIP_SIZE_PX,
    EMBEDDING_SIZE,
    IdentityFeatures,
    IdentityNetwork,
)
from facewright_models.identity.similarity import cosine_similarity, embedding_distance

__all__ = [
    "CHIP_SIZE_PX",
    "EMBEDDING_SIZE",
    "IdentityFeatures",
    "IdentityNetwork",
    "chip_similarity",
    "cosine_similarity",
    "embedding_distance",
    "face_chip_from_landmarks",
]
