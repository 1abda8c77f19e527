"""Key frames of degrees and moods, and what lies between two of them."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["DEGREE_GROUPS", "EASINGS", "Curve", "Key", "MoodKey", "degrees_of", "key_span", "value_at"]

EASINGS = ("linear", "ease_in", "ease_out", "ease_in_out", "hold")
"""How a value comes to that of the next key: `hold` keeps its own until then, and jumps."""

DEGREE_GROUPS: Mapping[str, tuple[str, ...]] = {
    "eyes": ("left_eye", "right_eye"),
    "brows": ("brow_raise",),
}
"""Names that a curve may have beside those of degrees."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """A value at a time of the clip, 0 its beginning and 1 its end; `easing` leads to the next key."""

    time: float
    value: float
    easing: str = "ease_in_out"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One degree, or one of `DEGREE_GROUPS`, over the clip. Before its first key and after its last it rests there."""

    name: str
    keys: tuple[Key, ...]


@dataclass(frozen=True, kw_only=True)
class MoodKey:
    """A mood at a time of the clip, 0..1: at strength 0 the face as the photo shows it, at 1 the whole mood."""

    time: float
    mood: str
    strength: float = 1.0
    easing: str = "ease_in_out"


def degrees_of(name: str) -> tuple[str, ...]:
    """The degrees that a curve of this name drives."""
    return DEGREE_GROUPS.get(name, (name,))


def key_span(keys: Sequence[Key | MoodKey], time: float) -> tuple[int, int, float]:
    """Indices of the keys before and after a time, and how far it is from one to the other, 0..1, eased."""
    after = bisect.bisect_right([key.time for key in keys], time)
    if after == 0:
        return 0, 0, 0.0
    if after == len(keys):
        return after - 1, after - 1, 0.0
    earlier, later = keys[after - 1], keys[after]
    return after - 1, after, _eased((time - earlier.time) / (later.time - earlier.time), earlier.easing)


def value_at(keys: Sequence[Key], time: float) -> float:
    """The value of a curve's keys at a time of the clip, never outside those of the keys beside it."""
    before, after, share = key_span(keys, time)
    return (1.0 - share) * keys[before].value + share * keys[after].value


def _eased(share: float, easing: str) -> float:
    match easing:
        case "linear":
            return share
        case "ease_in":
            return share**2
        case "ease_out":
            return share * (2.0 - share)
        case "hold":
            return 0.0
    return share**2 * (3.0 - 2.0 * share)
