"""Degrees -> facial actions of a rig, so that what animates a photo animates a fitted 3D character too.

Source: seed 000 [0058]-[0060] for the degrees; the names of actions are ARKit's blend shapes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from facewright_models.errors import InvalidInputError, ParameterRangeError, UnknownParameterError
from facewright_models.expression.timeline import Timeline
from facewright_models.expression.types import DEGREE_RANGES, DEGREES, REST_DEGREES
from facewright_models.look import Clip, make_clip
from facewright_models.rig import RigSchema

__all__ = ["clip_of", "facial_actions"]

# What a degree at its limit asks of each action; one without a side is of both. An open mouth shows more of the upper
# teeth than of the lower ones: the lower lip is held against the jaw.
_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "smile": {"mouthSmile": 1.0, "cheekSquint": 0.8, "mouthDimple": 0.1, "mouthUpperUp": 0.25},
    "sad": {"mouthFrown": 1.0, "mouthShrugLower": 0.55, "mouthStretch": 0.2},
    "jaw": {"jawOpen": 0.8, "mouthShrugLower": 0.7, "mouthUpperUp": 0.25},
    "frown": {"noseSneer": 0.3},
    "nose_wrinkle": {"noseSneer": 1.0, "mouthUpperUp": 0.35, "cheekSquint": 0.3},
}
_SIDES = ("Left", "Right")
# Seen from the front, lids of most heads meet at this strength of the blink. The whole of it, with the lower lid raised
# and the eye turned down, closes the widest eyes too.
_MEETING_LIDS = 0.62
_SHUT: Mapping[str, float] = {"eyeBlink": 1.0 - _MEETING_LIDS, "eyeSquint": 0.5, "eyeLookDown": 0.5}


def facial_actions(schema: RigSchema, degrees: Mapping[str, float]) -> dict[str, float]:
    """Strengths 0..1 of the rig's actions for these degrees; those it lacks are left out, as are those at 0.

    A degree that is missing is at rest. Eyes at 0 are wholly closed, over 1 they widen. Brows that are raised and drawn
    together at once go up at their inner ends only, as in grief.

    Raises UnknownParameterError, ParameterRangeError.
    """
    whole = _checked(degrees)
    wanted: dict[str, float] = {}
    for degree, weights in _WEIGHTS.items():
        for action, weight in weights.items():
            wanted[action] = wanted.get(action, 0.0) + weight * whole[degree]
    wanted.update(_brows(whole["brow_raise"], whole["frown"]))
    strengths = {action + side: value for action, value in wanted.items() for side in ("", *_SIDES)}
    for side in _SIDES:
        lids = _lids(whole[f"{side.lower()}_eye"])
        strengths.update({action + side: value for action, value in lids.items()})
    return {
        name: min(strengths[name], 1.0) for name in schema.facial_actions if strengths.get(name, 0.0) > 0.0
    }


def clip_of(schema: RigSchema, timeline: Timeline) -> Clip:
    """The same clip for a character, which is at rest where a photo has its own degrees.

    Raises InvalidInputError for a rig that has no action of those that the clip needs.
    """
    frames = [facial_actions(schema, degrees) for degrees in timeline.degrees(REST_DEGREES)]
    names = [name for name in schema.facial_actions if any(name in frame for frame in frames)]
    if not names and not _knows_any(schema, timeline.driven):
        raise InvalidInputError(
            f"the rig '{schema.name}' has none of the facial actions that would show {', '.join(timeline.driven)}; "
            "animate other degrees, or another rig",
            field="character.rig",
            metadata={"rig": schema.name},
        )
    weights = [frame.get(name, 0.0) for frame in frames for name in names]
    return make_clip(
        schema,
        curves=names,
        weights=np.array(weights, np.float32),
        times_secs=timeline.times_secs,
        yaw_degrees=[0.0] * timeline.frame_count,  # says how many frames there are where no action moves
        max_frames=timeline.frame_count,
    )


def _knows_any(schema: RigSchema, degrees: Iterable[str]) -> bool:
    return any(facial_actions(schema, {name: limit}) for name in degrees for limit in DEGREE_RANGES[name])


def _lids(opening: float) -> dict[str, float]:
    """In proportion to what is seen of the eye while lids are apart, and surely shut where that is 0."""
    closing = max(0.0, 1.0 - opening)
    lids = {action: weight * closing**12 for action, weight in _SHUT.items()}
    lids["eyeBlink"] += _MEETING_LIDS * closing
    lids["eyeWide"] = (opening - 1.0) / (DEGREE_RANGES["left_eye"][1] - 1.0)
    return lids


def _brows(raised: float, drawn: float) -> dict[str, float]:
    both = min(raised, drawn)
    return {
        "browInnerUp": raised + both,
        "browOuterUp": raised - both,
        "browDown": drawn - both,
    }


def _checked(degrees: Mapping[str, float]) -> dict[str, float]:
    for name, value in degrees.items():
        if name not in DEGREE_RANGES:
            raise UnknownParameterError(
                f"there is no degree '{name}'; degrees: {', '.join(DEGREES)}",
                field=name,
                metadata={"got": name},
            )
        low, high = DEGREE_RANGES[name]
        if not (math.isfinite(value) and low <= value <= high):
            raise ParameterRangeError(
                f"{name} is {value}; expected a number in [{low:g}, {high:g}]",
                field=name,
                metadata={"got": str(value)},
            )
    return {**REST_DEGREES, **degrees}
