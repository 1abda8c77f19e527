"""Is a picture still its reference? By FLIP where eyes judge, by value where programs do.

Two numbers by FLIP, because either alone is blind: the mean does not see a missing eyelash, the share of outliers in
a small window does not see a tint over everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from facewright.testing.errors import PictureShapeError
from facewright.testing.flip import flip_map
from facewright.testing.outcomes import share_of
from facewright.testing.pictures import Picture
from facewright.testing.regions import Box
from facewright.testing.thresholds import Thresholds

__all__ = ["Comparison", "Measure", "compare_pictures", "densest_window"]


@dataclass(frozen=True)
class Measure:
    """One number and the largest that passes. `name` is the key of the threshold in a scene file."""

    name: str
    value: float
    allowed: float

    @property
    def is_within(self) -> bool:
        """Whether this number passes."""
        return self.value <= self.allowed

    @property
    def excess(self) -> float:
        """Value over allowed: at most 1 passes."""
        return share_of(self.value, self.allowed)


@dataclass(frozen=True)
class Comparison:
    """What came out.

    `method` is ``identical``, ``flip`` or ``values``. `heat` (H, W) float32 is FLIP, or 1 where values differ.
    `changed` surrounds the pixels that stand out, `densest` is the window in which most of them lie; both are None
    where no pixel does. `changed_share` in [0, 1] is the share of pixels that stand out.
    """

    method: str
    measures: tuple[Measure, ...]
    changed_share: float = 0.0
    changed: Box | None = None
    densest: Box | None = None
    heat: np.ndarray[Any, Any] | None = field(default=None, repr=False, compare=False)

    @property
    def is_within(self) -> bool:
        """Whether every number passes."""
        return all(measure.is_within for measure in self.measures)

    @property
    def excess(self) -> float:
        """The worst number over what it may be; at most 1 passes."""
        return max((measure.excess for measure in self.measures), default=0.0)


def compare_pictures(
    actual: Picture,
    expected: Picture,
    *,
    thresholds: Thresholds | None = None,
    ignored: np.ndarray[Any, Any] | None = None,
) -> Comparison:
    """Compare; `ignored` (H, W) bool is true where nothing is compared.

    Raises `PictureShapeError` for pictures of different size, channels or depth, `MissingExtraError`.
    """
    limits = thresholds or Thresholds()
    one, other = (_without_alpha(p) if limits.ignore_alpha else p.pixels for p in (actual, expected))
    _check_shapes(actual, expected, one, other)
    if ignored is not None:
        if ignored.shape != one.shape[:2]:
            raise PictureShapeError(
                f"the mask is {ignored.shape[1]}x{ignored.shape[0]} and {actual.source} {actual.size_text}; draw it at "
                "the picture's size"
            )
        # Ignored pixels are made equal first, so that a filter cannot carry their difference to the others.
        one = np.where(ignored if one.ndim == 2 else ignored[..., None], other, one)
    by_value = limits.compare == "values" or (limits.compare == "auto" and one.dtype != np.uint8)
    if by_value:
        return _by_value(one, other, limits, ignored)
    if one.dtype != np.uint8:
        raise PictureShapeError(
            f"{actual.source} is {actual.mode}; FLIP compares 8-bit pictures: set compare = 'values'"
        )
    return _by_flip(one, other, limits, ignored)


def densest_window(stands_out: np.ndarray[Any, Any], size_px: int) -> tuple[float, Box | None]:
    """(H, W) bool -> the largest share of true pixels in any window of `size_px` squared, and that window.

    A window is cut down to the picture where the picture is smaller. None when no pixel is true.
    """
    if not stands_out.any():
        return 0.0, None
    height, width = (min(size_px, side) for side in stands_out.shape)
    integral = np.zeros((stands_out.shape[0] + 1, stands_out.shape[1] + 1), np.int64)
    np.cumsum(np.cumsum(stands_out, 0, dtype=np.int64), 1, out=integral[1:, 1:])
    counts = (
        integral[height:, width:]
        - integral[:-height, width:]
        - integral[height:, :-width]
        + integral[:-height, :-width]
    )
    most = counts.max()
    # Of equally dense windows the middle one: the pixels then lie in its middle rather than in a corner.
    places = np.argwhere(counts == most)
    row, column = places[len(places) // 2]
    return float(most) / (height * width), Box(int(column), int(row), width, height)


def _without_alpha(picture: Picture) -> np.ndarray[Any, Any]:
    if not picture.has_alpha:
        return picture.pixels
    colors = picture.pixels[..., :-1]
    return np.asarray(colors[..., 0] if colors.shape[-1] == 1 else colors)


def _check_shapes(
    actual: Picture, expected: Picture, one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]
) -> None:
    if one.shape[:2] != other.shape[:2]:
        raise PictureShapeError(
            f"{actual.source} is {actual.size_text} and its reference {expected.source} {expected.size_text}; draw it "
            "at the reference's size, or accept it in the reference's place (--replace)"
        )
    if one.shape != other.shape or one.dtype != other.dtype:
        hint = "set ignore_alpha = true, or " if actual.has_alpha != expected.has_alpha else ""
        raise PictureShapeError(
            f"{actual.source} is {actual.mode} and its reference {expected.source} {expected.mode}; {hint}write both "
            "in one mode"
        )


def _by_flip(
    one: np.ndarray[Any, Any],
    other: np.ndarray[Any, Any],
    limits: Thresholds,
    ignored: np.ndarray[Any, Any] | None,
) -> Comparison:
    heat = _heat(one, other)
    if ignored is not None:
        heat = np.where(ignored, np.float32(0), heat)
    stands_out = heat > limits.outlier_flip
    share, densest = densest_window(stands_out, limits.window_px)
    pixel_count = heat.size if ignored is None else int(np.count_nonzero(~ignored))
    mean = float(heat.sum(dtype=np.float64)) / pixel_count
    return Comparison(
        method="flip" if heat.any() else "identical",
        measures=(
            Measure("flip_mean", mean, limits.flip_mean),
            Measure("outlier_share", share, limits.outlier_share),
        ),
        changed_share=float(np.count_nonzero(stands_out)) / pixel_count,
        changed=_surrounding(stands_out),
        densest=densest,
        heat=heat,
    )


def _heat(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """FLIP of the colours and of the alpha, whichever is larger: a change in either is never covered by the other."""
    if one.ndim == 2 or one.shape[-1] == 3:
        return flip_map(one, other)
    colors = (one[..., 0], other[..., 0]) if one.shape[-1] == 2 else (one[..., :3], other[..., :3])
    return np.asarray(np.maximum(flip_map(*colors), flip_map(one[..., -1], other[..., -1])))


def _by_value(
    one: np.ndarray[Any, Any],
    other: np.ndarray[Any, Any],
    limits: Thresholds,
    ignored: np.ndarray[Any, Any] | None,
) -> Comparison:
    steps = np.abs(one.astype(np.int32) - other.astype(np.int32))
    if steps.ndim == 3:
        steps = steps.max(-1)
    differs = steps > limits.value_tolerance
    pixel_count = differs.size if ignored is None else int(np.count_nonzero(~ignored))
    share = float(np.count_nonzero(differs)) / pixel_count
    return Comparison(
        method="values" if steps.any() else "identical",
        measures=(Measure("differing_share", share, limits.differing_share),),
        changed_share=share,
        changed=_surrounding(differs),
        densest=densest_window(differs, limits.window_px)[1],
        heat=differs.astype(np.float32),
    )


def _surrounding(is_in: np.ndarray[Any, Any]) -> Box | None:
    rows, columns = np.flatnonzero(is_in.any(1)), np.flatnonzero(is_in.any(0))
    if not len(rows):
        return None
    x, y = int(columns[0]), int(rows[0])
    return Box(x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)
