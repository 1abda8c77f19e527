"""A face whose frames show the degrees that were asked for, as they are measured on it.

Faces answer differently to the same request: lips are long or short, lids hooded or not. When a degree is first asked
for, a few strengths of it are drawn and measured, and from then on requests go through the curve that this gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float64, UInt8
from numpy.typing import NDArray

from facewright_models.expression.animated_face import AnimatedFace
from facewright_models.expression.degrees import Rest, lengths_of, strengths_of
from facewright_models.expression.types import DEGREE_RANGES
from facewright_models.photo import Notice

__all__ = ["CalibratedFace", "ResponseCurve"]

_ASKED: Mapping[str, tuple[float, ...]] = {
    name: (0.0, 0.35, 0.7, 1.5) if name.endswith("_eye") else (0.0, 0.4, 0.8, 1.2) for name in DEGREE_RANGES
} | {"jaw": (0.0, 0.4, 0.8, 1.0, 1.2)}
"""Strengths that are tried: a little beyond the range as well, for faces that answer weakly; the last ones of jaws
more closely, whose chins come to the edge of the face there.
"""
_TOGETHER = {"left_eye": ("left_eye", "right_eye"), "right_eye": ("left_eye", "right_eye")}
_LEAST_STEP = 1e-3
_SURE = 0.8
"""Of what is reached: up to there it is measured as wanted."""
_TRUSTED = 0.45
"""By how much what is measured may change a request: landmarks of chins and nostrils lag behind what is drawn."""


class ResponseCurve:
    """What is measured when something is asked for, and its inverse; monotone, and through the face's own degree."""

    def __init__(
        self, own: float, asked: NDArray[np.float64], measured: NDArray[np.float64], *, most: float = -np.inf
    ) -> None:
        """`most` is the largest degree that can be wanted. Where less can be reached, what is wanted last is spread
        over what is reached last, so that a face that is asked for more always does more.
        """
        self._own = own
        points = sorted([(own, own), *zip(asked.tolist(), measured.tolist(), strict=True)])
        self._asked = np.array([point[0] for point in points])
        middle = int(np.flatnonzero(self._asked == own)[0])
        values = np.array([point[1] for point in points])
        # What is tried last may do less again, as a chin that comes to the edge of the face.
        first = int((self._asked <= own).sum())
        furthest = max(first, middle + int(values[middle:].argmax())) + 1
        self._asked, values = self._asked[:furthest], values[:furthest]
        # Outwards from the face's own degree nothing turns back.
        values[middle] = own
        values[middle:] = np.maximum.accumulate(values[middle:])
        values[: middle + 1] = np.minimum.accumulate(values[: middle + 1][::-1])[::-1]
        self._measured = values + _LEAST_STEP * np.arange(len(values))
        self._measured -= self._measured[middle] - own
        reached = float(self._measured[-1])
        if own < reached < most:
            knee = own + _SURE * (reached - own)
            asked_there = float(np.interp(knee, self._measured, self._asked))
            below = self._measured < knee
            self._measured = np.array([*self._measured[below], knee, most])
            self._asked = np.array([*self._asked[below], asked_there, self._asked[-1]])

    def asked_for(self, wanted: float) -> float:
        """What to ask for; the face's own degree for itself, and the nearest end for what is out of reach."""
        if wanted == self._own:
            return wanted
        return float(np.interp(wanted, self._measured, self._asked))


class CalibratedFace:
    """See the module and `OpenedFace`. `mark` finds the points of a frame near those of the photo."""

    def __init__(
        self,
        face: AnimatedFace,
        points: Float64[np.ndarray, "81 2"],
        rest: Rest,
        mark: Callable[[NDArray[np.uint8], NDArray[np.float64]], NDArray[np.float64]],
    ) -> None:
        self._face, self._points, self._rest, self._mark = face, points, rest, mark
        self._curves: dict[str, ResponseCurve] = {}

    @property
    def points(self) -> Float64[np.ndarray, "81 2"]:
        """The photo's own landmarks, in pixels."""
        return self._points

    @property
    def own(self) -> Mapping[str, float]:
        """See `OpenedFace`."""
        return self._face.own

    @property
    def notices(self) -> tuple[Notice, ...]:
        """See `OpenedFace`."""
        return self._face.notices

    def frame(self, degrees: Mapping[str, float]) -> UInt8[np.ndarray, "H W 3"]:
        """See `OpenedFace`. The first frame with a degree takes several times as long as those that follow."""
        wanted = self._face.checked(degrees)
        own = self._face.own
        asked = {
            name: float(np.clip(self._curve(name).asked_for(value), value - _TRUSTED, value + _TRUSTED))
            for name, value in wanted.items()
            if value != own[name]
        }
        return self._face.drawn(asked)

    def towards(self, landmarks: Float64[np.ndarray, "68 2"]) -> UInt8[np.ndarray, "H W 3"]:
        """The photo with its landmarks where they are wanted, in its pixels."""
        return self._face.towards(landmarks)

    def _curve(self, name: str) -> ResponseCurve:
        if name not in self._curves:
            names = _TOGETHER.get(name, (name,))
            tried = np.array(_ASKED[name])
            measured: dict[str, list[float]] = {each: [] for each in names}
            for strength in tried:
                frame = self._face.drawn(dict.fromkeys(names, float(strength)))
                found = strengths_of(lengths_of(self._mark(frame, self._points)), self._rest)
                for each in names:
                    measured[each].append(found[each])
            for each in names:
                self._curves[each] = ResponseCurve(
                    self.own[each], tried, np.array(measured[each]), most=DEGREE_RANGES[each][1]
                )
        return self._curves[name]
