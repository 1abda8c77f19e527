"""Fitting: photos in, characters out."""

from facewright_models.fitting.fitter import Fitter
from facewright_models.fitting.types import FitOptions, FitOutcome, FitProgress, FitReport, FitResult, Subject
from facewright_models.landmarks import FaceBox

__all__ = [
    "FaceBox",
    "FitOptions",
    "FitOutcome",
    "FitProgress",
    "FitReport",
    "FitResult",
    "Fitter",
    "Subject",
]
