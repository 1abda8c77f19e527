"""A clip: how a face and its view move, frame by frame.

F frames, K curves of the clip, E facial actions of the rig.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import InvalidInputError, ParameterRangeError
from facewright_models.look.staging import Stage, View
from facewright_models.rig import RigSchema, expression_vector

__all__ = ["Clip", "make_clip"]

DEFAULT_FPS = 30.0
_MAX_FPS = 1000.0


@dataclass(frozen=True, kw_only=True)
class Clip:
    """Checked and complete: actions (F, E) float32 in [0,1], a view and a time in seconds for every frame."""

    actions: NDArray[np.float32]
    views: tuple[View, ...]
    times_secs: NDArray[np.float64]


def make_clip(
    schema: RigSchema,
    *,
    curves: Sequence[str] = (),
    weights: NDArray[np.float32],
    fps: float | None = None,
    times_secs: Sequence[float] = (),
    yaw_degrees: Sequence[float] = (),
    pitch_degrees: Sequence[float] = (),
    stage: Stage | None = None,
    max_frames: int,
) -> Clip:
    """The clip of named curves, weights (F*K,) frame by frame, and angles: none, one, or one per frame.

    Raises UnknownParameterError, ParameterRangeError, InvalidInputError; their `field` is relative to the clip.
    """
    _check_names(schema, curves)
    count = _frame_count(len(curves), len(weights), [len(times_secs), len(yaw_degrees), len(pitch_degrees)])
    if not 1 <= count <= max_frames:
        raise InvalidInputError(
            f"the clip has {count:,} frames; expected 1 to {max_frames:,}"
            + ("; send weights, or one yaw per frame" if not count else "; send it in parts"),
            field="weights",
            metadata={"frames": str(count), "max_frames": str(max_frames)},
        )
    placed = np.zeros((count, len(schema.facial_actions)), np.float32)
    placed[:, [schema.facial_actions.index(name) for name in curves]] = _checked_weights(
        curves, weights, count
    )
    yaws = _per_frame("yaw_degrees", yaw_degrees, count)
    pitches = _per_frame("pitch_degrees", pitch_degrees, count)
    return Clip(
        actions=placed,
        views=tuple(
            _view(index, float(yaw), float(pitch), stage or Stage())
            for index, (yaw, pitch) in enumerate(zip(yaws, pitches, strict=True))
        ),
        times_secs=_times(fps, times_secs, count),
    )


def _check_names(schema: RigSchema, curves: Sequence[str]) -> None:
    seen: set[str] = set()
    for index, name in enumerate(curves):
        try:
            expression_vector(schema, {name: 0.0})  # knows the names, and close ones
        except InvalidInputError as error:
            error.field = f"curves[{index}]"
            raise
        if name in seen:
            raise InvalidInputError(
                f"the curve '{name}' is named twice; expected every curve once", field=f"curves[{index}]"
            )
        seen.add(name)


def _frame_count(curve_count: int, weight_count: int, others: list[int]) -> int:
    if not curve_count and weight_count:
        raise InvalidInputError(
            f"the clip has {weight_count} weights and no curves; name the curves that they are of",
            field="curves",
        )
    if not curve_count:
        return max(others)
    if weight_count % curve_count:
        raise InvalidInputError(
            f"the clip has {weight_count} weights for {curve_count} curves; expected a multiple of "
            f"{curve_count}: one weight for every curve in every frame",
            field="weights",
            metadata={"weights": str(weight_count), "curves": str(curve_count)},
        )
    return weight_count // curve_count


def _checked_weights(
    curves: Sequence[str], weights: NDArray[np.float32], frame_count: int
) -> NDArray[np.float32]:
    """(F, K)."""
    bad = np.flatnonzero(~((weights >= 0) & (weights <= 1)))  # NaN is neither
    if len(bad):
        first = int(bad[0])
        frame, name = first // len(curves), curves[first % len(curves)]
        raise ParameterRangeError(
            f"{name} is {weights[first]} in frame {frame}; expected a number in [0, 1]",
            field=f"weights[{first}]",
            metadata={"curve": name, "frame": str(frame), "bad_weights": str(len(bad))},
        )
    return weights.reshape(frame_count, len(curves))


def _per_frame(field: str, values: Sequence[float], count: int) -> NDArray[np.float64]:
    if len(values) not in (0, 1, count):
        raise InvalidInputError(
            f"{field} has {len(values)} values for {count} frames; expected none, one, or one per frame",
            field=field,
        )
    return np.broadcast_to(np.asarray(values or [0.0], np.float64), (count,))


def _view(frame: int, yaw_degrees: float, pitch_degrees: float, stage: Stage) -> View:
    try:
        return View(yaw_degrees=yaw_degrees, pitch_degrees=pitch_degrees, stage=stage)
    except ParameterRangeError as error:
        error.field = f"{str(error.field).removeprefix('view.')}[{frame}]"
        raise


def _times(fps: float | None, times_secs: Sequence[float], count: int) -> NDArray[np.float64]:
    if times_secs and fps is not None:
        raise InvalidInputError("the clip has both fps and times_secs; send one of them", field="times_secs")
    if times_secs:
        times = np.asarray(times_secs, np.float64)
        if len(times) != count:
            raise InvalidInputError(
                f"times_secs has {len(times)} values for {count} frames; expected one per frame",
                field="times_secs",
            )
        if not (np.isfinite(times).all() and times[0] >= 0 and (np.diff(times) > 0).all()):
            raise ParameterRangeError(
                "times_secs does not ascend; expected seconds of at least 0, each later than the one before",
                field="times_secs",
            )
        return times
    rate = DEFAULT_FPS if fps is None else fps
    if not 0 < rate <= _MAX_FPS:
        raise ParameterRangeError(
            f"fps is {rate}; expected a number in (0, {_MAX_FPS:g}]", field="fps", metadata={"got": str(rate)}
        )
    return np.arange(count) / rate
