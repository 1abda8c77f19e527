"""What cannot be animated, said in one line each: who asked, what was got, what was expected, what to do."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence

from facewright_models.errors import InvalidInputError, ParameterRangeError, UnknownParameterError
from facewright_models.expression.keys import DEGREE_GROUPS, EASINGS, Curve, Key, MoodKey, degrees_of
from facewright_models.expression.moods import check_mood
from facewright_models.expression.types import DEGREE_RANGES, DEGREES

__all__ = ["MAX_FPS", "ORDERS", "check_clip", "check_curves", "check_moods", "check_order"]

MAX_FPS = 120.0
ORDERS = ("as_given", "ascending", "descending")


def check_clip(*, frame_count: int, fps: float, max_frames: int) -> None:
    """Raises ParameterRangeError."""
    if not 1 <= frame_count <= max_frames:
        raise ParameterRangeError(
            f"frame_count is {frame_count:,}; expected 1 to {max_frames:,}"
            + ("; make the clip shorter, or in parts" if frame_count > max_frames else ""),
            field="frame_count",
            metadata={"got": str(frame_count), "max_frames": str(max_frames)},
        )
    if not 0.0 < fps <= MAX_FPS:  # NaN is neither
        raise ParameterRangeError(
            f"fps is {fps}; expected frames per second in (0, {MAX_FPS:g}]",
            field="fps",
            metadata={"got": str(fps)},
        )


def check_curves(curves: Sequence[Curve], *, relative: bool) -> None:
    """Raises UnknownParameterError, ParameterRangeError, and InvalidInputError for two curves of one degree."""
    driven: dict[str, str] = {}
    for index, curve in enumerate(curves):
        field = f"curves[{index}]"
        _check_name(curve.name, field=f"{field}.name")
        for degree in degrees_of(curve.name):
            if degree in driven:
                raise InvalidInputError(
                    f"the curves '{driven[degree]}' and '{curve.name}' contradict each other: both drive "
                    f"{degree}; send one curve for each degree",
                    field=f"{field}.name",
                    metadata={"degree": degree},
                )
            driven[degree] = curve.name
        _check_times(curve.keys, what=f"the curve '{curve.name}'", field=f"{field}.keys")
        for place, key in enumerate(curve.keys):
            _check_value(curve.name, key, field=f"{field}.keys[{place}].value", relative=relative)


def check_moods(moods: Sequence[MoodKey]) -> None:
    """Raises UnknownParameterError, ParameterRangeError, InvalidInputError."""
    if moods:
        _check_times(moods, what="the sequence of moods", field="moods")
    for place, key in enumerate(moods):
        check_mood(key.mood, field=f"moods[{place}].mood")
        if not 0.0 <= key.strength <= 1.0:
            raise ParameterRangeError(
                f"the strength of the mood '{key.mood}' is {key.strength}; expected a number in [0, 1]",
                field=f"moods[{place}].strength",
                metadata={"got": str(key.strength)},
            )


def check_order(order: str, moods: Sequence[MoodKey]) -> None:
    """Raises UnknownParameterError, and InvalidInputError where different moods say an order of their own."""
    if order not in ORDERS:
        raise UnknownParameterError(
            f"there is no order '{order}'; orders: {', '.join(ORDERS)}",
            field="order",
            metadata={"got": order},
        )
    if order != "as_given" and len({key.mood for key in moods}) > 1:
        raise InvalidInputError(
            f"the order '{order}' contradicts the moods, which come one after the other; send 'as_given', or "
            "one mood",
            field="order",
        )


def _check_name(name: str, *, field: str) -> None:
    known = (*DEGREES, *DEGREE_GROUPS)
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UnknownParameterError(
        f"there is no degree '{name}'; {hint}degrees: {', '.join(known)}", field=field, metadata={"got": name}
    )


def _check_times(keys: Sequence[Key | MoodKey], *, what: str, field: str) -> None:
    """Also of their easings."""
    if not keys:
        raise InvalidInputError(f"{what} has no keys; expected at least one", field=field)
    before = -math.inf
    for place, key in enumerate(keys):
        if not 0.0 <= key.time <= 1.0:
            raise ParameterRangeError(
                f"{what} has a key at time {key.time}; expected 0 (the beginning of the clip) to 1 (its end)",
                field=f"{field}[{place}].time",
                metadata={"got": str(key.time)},
            )
        if key.time <= before:
            raise InvalidInputError(
                f"{what} has a key at time {key.time:g} after one at {before:g}; expected times that ascend",
                field=f"{field}[{place}].time",
                metadata={"got": str(key.time)},
            )
        if key.easing not in EASINGS:
            raise UnknownParameterError(
                f"there is no easing '{key.easing}'; easings: {', '.join(EASINGS)}",
                field=f"{field}[{place}].easing",
                metadata={"got": key.easing},
            )
        before = key.time


def _check_value(name: str, key: Key, *, field: str, relative: bool) -> None:
    low, high = (-1.0, 1.0) if relative else DEGREE_RANGES[degrees_of(name)[0]]
    if not low <= key.value <= high:
        raise ParameterRangeError(
            f"{name} is {key.value} at time {key.time:g}; expected a number in [{low:g}, {high:g}]"
            + (" to add to the photo's own" if relative else ""),
            field=field,
            metadata={"got": str(key.value), "lowest": f"{low:g}", "highest": f"{high:g}"},
        )
