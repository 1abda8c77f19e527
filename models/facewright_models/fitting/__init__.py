"""Fitting: photos in, characters out; and characters edited."""

from facewright_models.fitting.fitter import Fitter
from facewright_models.fitting.presets import load_presets
from facewright_models.fitting.refit_plan import plan_refit
from facewright_models.fitting.refit_types import Refit, RefitReport, RefitResult
from facewright_models.fitting.types import (
    FitOptions,
    FitOutcome,
    FitProgress,
    FitReport,
    FitResult,
    Subject,
)
from facewright_models.landmarks import FaceBox

__all__ = [
    "FaceBox",
    "FitOptions",
    "FitOutcome",
    "FitProgress",
    "FitReport",
    "FitResult",
    "Fitter",
    "Refit",
    "RefitReport",
    "RefitResult",
    "Subject",
    "load_presets",
    "plan_refit",
]
