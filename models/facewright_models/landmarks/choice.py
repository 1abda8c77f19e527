"""Which landmark model marks faces where the caller names none: one choice for the whole process."""

from __future__ import annotations

from functools import cache

from facewright_models.errors import UnknownParameterError
from facewright_models.landmarks.dlib_models import DlibLandmarkModel
from facewright_models.landmarks.network_model import LandmarkNetworkModel
from facewright_models.landmarks.types import LandmarkModel

__all__ = ["LANDMARK_MODELS", "default_landmark_model", "use_landmark_model"]

LANDMARK_MODELS = ("network", "dlib")
"""`network`, the default, is ours; `dlib` reads a file whose data is for non-commercial use."""

_chosen = "network"


def use_landmark_model(name: str) -> None:
    """From now on. Raises UnknownParameterError for a name that is not in LANDMARK_MODELS."""
    global _chosen
    if name not in LANDMARK_MODELS:
        raise UnknownParameterError(
            f"there is no landmark model '{name}'; models: {', '.join(LANDMARK_MODELS)}",
            field="landmark_model",
            metadata={"got": name},
        )
    _chosen = name


def default_landmark_model() -> LandmarkModel:
    """The chosen one, made once."""
    return _model(_chosen)


@cache
def _model(name: str) -> LandmarkModel:
    return LandmarkNetworkModel() if name == "network" else DlibLandmarkModel()
