"""How strong an expression is: every degree defined from landmarks, normalised for each face.

First a few lengths are measured, in the frame of the eyes: its origin lies between them, x leads from the subject's
right eye to the left, and the distance of their centres is 1. What of them is bone differs from face to face; a degree
is the way from the face's own rest towards the anatomic limit. The limits are those that people and the rig's full
facial actions reach.

Source: seed 000 [0058] (degrees of mouth, eyes, brows, nose), [0080]-[0081] (distance of the lids over the eye's
width).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from facewright_models.expression.types import DEGREE_RANGES, DEGREES

__all__ = [
    "LIMITS",
    "Lengths",
    "Rest",
    "degrees_of",
    "eye_frame",
    "lengths_of",
    "rest_of",
    "strengths_of",
    "usual_opening",
]

Points = Float64[np.ndarray, "K 2"]

_RIGHT_EYE, _LEFT_EYE = (36, 37, 38, 39, 40, 41), (45, 44, 43, 42, 47, 46)
"""Outer corner, upper lid, inner corner, lower lid: [0081]'s corners and the poles of the lids."""


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """Over the distance of the eyes, but for the eyes' openings, which are over each eye's width.

    `width` of the mouth; `rise` of its corners, towards the eyes; `bow` by how much they lie above the middle of the
    upper lip's lower edge; `chin` below the nose's bridge; `brows` above the eyes, their outer three quarters;
    `inner_brows` the same of the inner ends; `gap` between these; `nostrils`, their height.
    """

    right_eye: float
    left_eye: float
    width: float
    rise: float
    bow: float
    chin: float
    brows: float
    inner_brows: float
    gap: float
    nostrils: float


@dataclass(frozen=True, kw_only=True)
class Rest:
    """The lengths of a face at rest, with its own eyes open."""

    lengths: Lengths


LIMITS: Mapping[str, float] = {
    "smile": 0.22,
    "sad": 0.13,
    "jaw": 0.30,
    "brow_raise": 0.12,
    "frown": 0.08,
    "nose_wrinkle": 0.06,
}
"""Way from rest to limit, in the distance of the eyes; see `strengths_of`."""

_USUAL: Mapping[str, tuple[float, float]] = {
    "right_eye": (0.315, 0.036),
    "left_eye": (0.313, 0.031),
    "width": (0.826, 0.046),
    "rise": (-1.096, 0.067),
    "bow": (-0.082, 0.037),
    "chin": (1.648, 0.127),
    "brows": (0.324, 0.053),
    "inner_brows": (0.351, 0.056),
    "gap": (0.444, 0.095),
    "nostrils": (-0.689, 0.043),
}
"""Mean and standard deviation of the templates of neutral studio photos that may be trained on (n 54)."""
_UNUSUAL = 2.0
_SHUT = 0.5
"""An eye that is open by less than so much of the usual is not at rest."""


def eye_frame(points: Points) -> NDArray[np.float64]:
    """(2, 3): pixels -> the frame of the eyes, y down. Raises ValueError where the eyes coincide."""
    right, left = points[[36, 39]].mean(0), points[[42, 45]].mean(0)
    across = left - right
    distance = float(np.hypot(*across))
    if distance < 1e-6:
        raise ValueError("the eyes lie on each other")
    x, y = across / distance**2
    linear = np.array([[x, y], [-y, x]])
    return np.concatenate([linear, (-linear @ ((right + left) / 2))[:, None]], 1)


def lengths_of(points: Points) -> Lengths:
    """Of at least the 68 points, in pixels."""
    frame = eye_frame(points)
    p = points[:68] @ frame[:, :2].T + frame[:, 2]
    corners = (p[48] + p[54]) / 2
    return Lengths(
        right_eye=_opening(p, _RIGHT_EYE),
        left_eye=_opening(p, _LEFT_EYE),
        width=float(np.hypot(*(p[54] - p[48]))),
        rise=float(-corners[1]),
        bow=float((p[51, 1] + p[62, 1]) / 2 - corners[1]),
        chin=float(p[7:10, 1].mean() - p[27:31, 1].mean()),
        brows=float(-p[[17, 18, 19, 24, 25, 26], 1].mean()),
        inner_brows=float(-p[[20, 21, 22, 23], 1].mean()),
        gap=float(p[22, 0] - p[21, 0]),
        nostrils=float(-p[[31, 35], 1].mean()),
    )


def rest_of(points: Points) -> Rest:
    """The rest that a single photo suggests: what it shows, as far as faces at rest look like that."""
    return Rest(lengths=likely_rest(lengths_of(points)))


def likely_rest(lengths: Lengths) -> Lengths:
    """Lengths within two standard deviations of those of faces at rest; eyes that are nearly shut count as usual."""
    values = {}
    for name, (mean, spread) in _USUAL.items():
        value = getattr(lengths, name)
        if name.endswith("_eye"):
            values[name] = mean if value < _SHUT * mean else min(value, mean + _UNUSUAL * spread)
        else:
            values[name] = float(np.clip(value, mean - _UNUSUAL * spread, mean + _UNUSUAL * spread))
    return Lengths(**values)


def usual_opening(eye: str) -> float:
    """Of `left_eye` or `right_eye` at rest, over its width."""
    return _USUAL[eye][0]


def degrees_of(points: Points, rest: Rest) -> dict[str, float]:
    """All degrees of a face whose rest is known, within `DEGREE_RANGES`."""
    strengths = strengths_of(lengths_of(points), rest)
    return {name: float(np.clip(strengths[name], *DEGREE_RANGES[name])) for name in DEGREES}


def strengths_of(now: Lengths, at_rest: Rest) -> dict[str, float]:
    """The degrees before they are clipped.

    A smile is half the corners' rise and half what the mouth has widened; a sad mouth is the corners' drop below its
    middle; a frown is half the inner brows' drop and half their coming together.
    """
    rest = at_rest.lengths
    wider = (now.width - rest.width) / max(rest.width, 0.5) * _USUAL["width"][0]
    lengths = {
        "smile": 0.5 * (now.rise - rest.rise) + 0.5 * wider,
        "sad": rest.bow - now.bow,
        "jaw": now.chin - rest.chin,
        "brow_raise": now.brows - rest.brows,
        "frown": 0.5 * (rest.inner_brows - now.inner_brows) + 0.5 * (rest.gap - now.gap),
        "nose_wrinkle": now.nostrils - rest.nostrils,
    }
    return {
        "left_eye": now.left_eye / rest.left_eye,
        "right_eye": now.right_eye / rest.right_eye,
        **{name: length / LIMITS[name] for name, length in lengths.items()},
    }


def _opening(p: NDArray[np.float64], eye: tuple[int, ...]) -> float:
    outer, upper_a, upper_b, inner, lower_b, lower_a = (p[index] for index in eye)
    lids = (lower_a + lower_b - upper_a - upper_b) / 2
    width = float(np.hypot(*(outer - inner)))
    return float(max(lids[1], 0.0) / max(width, 1e-6))
