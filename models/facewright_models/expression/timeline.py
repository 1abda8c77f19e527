"""Which degrees every frame of a clip has: curves of single degrees, moods one after the other, and their order.

What is asked for is checked once, by `make_timeline`; the photo's own degrees come in where frames are counted out.

Source: seed 000 [0058]-[0060], [0063].
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from facewright_models.errors import InvalidInputError, ParameterRangeError
from facewright_models.expression.keys import (
    DEGREE_GROUPS,
    EASINGS,
    Curve,
    Key,
    MoodKey,
    degrees_of,
    key_span,
    value_at,
)
from facewright_models.expression.moods import MOODS
from facewright_models.expression.timeline_checks import (
    MAX_FPS,
    ORDERS,
    check_clip,
    check_curves,
    check_moods,
    check_order,
)
from facewright_models.expression.types import DEGREE_RANGES, DEGREES, REST_DEGREES

__all__ = [
    "DEGREE_GROUPS",
    "EASINGS",
    "MAX_FPS",
    "ORDERS",
    "Curve",
    "Key",
    "MoodKey",
    "Timeline",
    "make_timeline",
]

_CORNERS = {"smile": "sad", "sad": "smile"}
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Checked and complete; made by `make_timeline`.

    Frame f of F stands at the time f / (F - 1) of the clip; a frame that is alone shows the clip's end. With `loop`
    frames go to the end and the same way back within F, so that the first follows the last without a jump.
    """

    curves: tuple[Curve, ...]
    moods: tuple[MoodKey, ...]
    frame_count: int
    fps: float
    loop: bool
    order: str
    relative: bool

    @property
    def times_secs(self) -> tuple[float, ...]:
        """When each frame is shown, from 0."""
        return tuple(index / self.fps for index in range(self.frame_count))

    @property
    def driven(self) -> tuple[str, ...]:
        """The degrees that frames name, in the order of `DEGREES`; moods drive all of them."""
        if self.moods:
            return DEGREES
        curved = {degree for curve in self.curves for degree in degrees_of(curve.name)}
        return tuple(degree for degree in DEGREES if degree in curved)

    def degrees(self, own: Mapping[str, float]) -> list[dict[str, float]]:
        """For each frame the absolute degrees that it drives, inside `DEGREE_RANGES`.

        `own` is the face as the photo shows it; a degree that it does not name is at rest. Relative curves are added
        to it, of eyes too: -1 closes eyes that are open as in the photo. A mood of strength s is s of the way from
        `own` to the mood, or, relative, s times what the mood does to a face at rest, added to `own`. Between two
        moods degrees go from those of one to those of the other. A curve overrides what moods say of its degree, and
        where it says `smile` or `sad`, moods leave the other what is missing to 1: both pull at the same corners.

        Raises ParameterRangeError where `own` has no finite numbers.
        """
        own = _checked_own(own)
        distinct = [self._frame(time, own) for time in self._distinct_times()]
        if self.order != "as_given":
            amplitudes = _amplitudes(distinct, own)
            places = sorted(range(len(distinct)), key=amplitudes.__getitem__)
            distinct = [distinct[place] for place in places]
            if self.order == "descending":
                distinct.reverse()
        if not self.loop:
            return distinct
        turns = [min(index, self.frame_count - index) for index in range(self.frame_count)]
        # A degree is a number of its own in every frame: who changes one frame changes no other.
        return [dict(distinct[place]) for place in turns]

    def amplitudes(self, own: Mapping[str, float]) -> list[float]:
        """How strong each frame's expression is, by which `order` sorts, in degrees.

        It is the distance of the frame's degrees from the face's own, measured along the line from the face at rest
        to the clip's fullest expression, which is the frame farthest from rest. It is negative where a frame leads the
        other way: of a photo that smiles slightly, the face without a smile comes before the photo, the full smile
        after it. Raises like `degrees`.

        Source: seed 000 [0060].
        """
        own = _checked_own(own)
        return _amplitudes(self.degrees(own), own)

    def _distinct_times(self) -> list[float]:
        count = self.frame_count // 2 + 1 if self.loop else self.frame_count
        if count == 1:
            return [1.0]
        return [index / (count - 1) for index in range(count)]

    def _frame(self, time: float, own: Mapping[str, float]) -> dict[str, float]:
        degrees = self._mood(time, own)
        curved = {
            degree: value_at(curve.keys, time) + (own[degree] if self.relative else 0.0)
            for curve in self.curves
            for degree in degrees_of(curve.name)
        }
        for degree, other in _CORNERS.items():
            if degree in curved and other in degrees:
                degrees[other] = min(degrees[other], max(0.0, 1.0 - curved[degree]))
        degrees.update(curved)
        return {name: _clamped(name, degrees[name]) for name in self.driven}

    def _mood(self, time: float, own: Mapping[str, float]) -> dict[str, float]:
        if not self.moods:
            return {}
        before, after, share = key_span(self.moods, time)
        start, end = (self._whole_mood(self.moods[place], own) for place in (before, after))
        return {name: (1.0 - share) * start[name] + share * end[name] for name in DEGREES}

    def _whole_mood(self, key: MoodKey, own: Mapping[str, float]) -> dict[str, float]:
        base = REST_DEGREES if self.relative else own
        return {
            name: own[name] + key.strength * (value - base[name]) for name, value in MOODS[key.mood].items()
        }


def make_timeline(
    *,
    curves: Sequence[Curve] = (),
    moods: Sequence[MoodKey] = (),
    frame_count: int,
    fps: float,
    loop: bool = False,
    order: str = "as_given",
    relative: bool = False,
    max_frames: int = 3000,
) -> Timeline:
    """The clip of these curves and moods, `frame_count` frames at `fps` (0 to 120, without 0).

    Values are absolute degrees inside `DEGREE_RANGES`, or, with `relative`, -1..1 to add to the photo's own. `order`
    is "as_given", or sorts frames by their amplitude, "ascending" or "descending". Two curves of one degree contradict
    each other, and so do `smile` and `sad` that together exceed 1 in a frame.

    Raises UnknownParameterError, ParameterRangeError, InvalidInputError; `field` is a path such as
    `curves[0].keys[1].value`.
    """
    check_clip(frame_count=frame_count, fps=fps, max_frames=max_frames)
    if not curves and not moods:
        raise InvalidInputError(
            "the clip has neither curves nor moods, so nothing would move; send at least one", field="curves"
        )
    check_curves(curves, relative=relative)
    check_moods(moods)
    check_order(order, moods)
    timeline = Timeline(
        curves=tuple(curves),
        moods=tuple(moods),
        frame_count=frame_count,
        fps=float(fps),
        loop=loop,
        order=order,
        relative=relative,
    )
    _check_corners(timeline)
    return timeline


def _check_corners(timeline: Timeline) -> None:
    keys = {curve.name: curve.keys for curve in timeline.curves if curve.name in _CORNERS}
    if len(keys) < len(_CORNERS):
        return
    for time in timeline._distinct_times():  # noqa: SLF001 - the same module
        smile, sad = (value_at(keys[name], time) for name in ("smile", "sad"))
        if smile + sad > 1.0 + _ROUNDING and min(smile, sad) > 0.0:
            raise InvalidInputError(
                f"the curves 'smile' and 'sad' contradict each other: {smile:.3g} and {sad:.3g} at time {time:.3g} "
                "pull the same corners of the mouth up and down; let them add up to at most 1",
                field="curves",
                metadata={"time": f"{time:.6g}", "smile": f"{smile:.6g}", "sad": f"{sad:.6g}"},
            )


def _checked_own(own: Mapping[str, float]) -> dict[str, float]:
    """All degrees."""
    whole = {name: float(own.get(name, rest)) for name, rest in REST_DEGREES.items()}
    for name, value in whole.items():
        if not math.isfinite(value):
            raise ParameterRangeError(
                f"the photo's own {name} is {value}; expected a finite number",
                field=f"own[{name}]",
                metadata={"got": str(value)},
            )
    return whole


def _amplitudes(frames: Sequence[Mapping[str, float]], own: Mapping[str, float]) -> list[float]:
    from_rest = [[value - REST_DEGREES[name] for name, value in frame.items()] for frame in frames]
    # Of equally full ones it must be the same in any order of the frames.
    fullest = max(from_rest, key=lambda difference: (round(math.hypot(*difference), 6), difference))
    length = math.hypot(*fullest)
    if length == 0.0:
        return [0.0] * len(frames)
    return [
        sum((value - own[name]) * part for (name, value), part in zip(frame.items(), fullest, strict=True))
        / length
        for frame in frames
    ]


def _clamped(name: str, value: float) -> float:
    low, high = DEGREE_RANGES[name]
    return min(max(value, low), high)
