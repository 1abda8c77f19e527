"""Preset motions: how degrees change in the videos that the image-processing model learns from.

Source: seed 000 [0072]-[0073]: a smile that rises, eyes that close, both at once; every degree alone beside them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from facewright_models.expression.types import DEGREES

__all__ = ["MOTIONS", "degrees_at"]

MOTIONS: Mapping[str, tuple[float, Mapping[str, float]]] = {
    "smile rises": (3.0, {"smile": 1.0}),
    "eyes close": (3.0, {"left_eye": 0.0, "right_eye": 0.0}),
    "smile rises and eyes close": (1.0, {"smile": 1.0, "left_eye": 0.0, "right_eye": 0.0}),
    "right eye closes": (1.0, {"right_eye": 0.0}),
    "left eye closes": (1.0, {"left_eye": 0.0}),
    "eyes widen": (1.0, {"left_eye": 1.4, "right_eye": 1.4}),
    "mouth opens": (2.0, {"jaw": 1.0}),
    "laugh": (1.0, {"smile": 1.0, "jaw": 0.6}),
    "mouth drops": (1.5, {"sad": 1.0}),
    "brows rise": (1.5, {"brow_raise": 1.0}),
    "frown": (1.5, {"frown": 1.0}),
    "nose wrinkles": (1.0, {"nose_wrinkle": 1.0}),
    "face at rest": (1.0, dict.fromkeys(DEGREES, 0.0) | {"left_eye": 1.0, "right_eye": 1.0}),
}
"""Motion -> how often it is used, and the degrees that it leads to; the others stay."""


def degrees_at(motion: Mapping[str, float], own: NDArray[np.float64], time: float) -> NDArray[np.float64]:
    """(8,) in the order of DEGREES, on the way from a face's own degrees (8,) at time 0 to the motion's end at 1."""
    end = np.array([motion.get(name, value) for name, value in zip(DEGREES, own, strict=True)])
    return np.asarray(own + time * (end - own))
