"""Motions of a face's expression, what they are applied to, and the frames that come back.

A motion can be written as JSON, an object with the fields of `Motion`::

    {
        "frame_count": 48,
        "fps": 24,
        "curves": [
            {
                "name": "smile",
                "keys": [{"time": 0, "value": 0}, {"time": 1, "value": 0.9, "easing": "linear"}],
            }
        ],
        "moods": [{"time": 0, "mood": "serious"}, {"time": 1, "mood": "sad", "strength": 0.5}],
    }
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, TypeVar, Union

from facewright.character import Character
from facewright.errors import InvalidInputError, MotionFileError
from facewright.fitting import FaceBox, Notice, Photo
from facewright.rendering import Stage, View

__all__ = [
    "EASINGS",
    "ORDERS",
    "CapturePrompt",
    "CharacterShot",
    "Curve",
    "ExpressionEvent",
    "ExpressionFrame",
    "ExpressionSource",
    "ExpressionStart",
    "Key",
    "MoodKey",
    "Motion",
    "VideoFrame",
]

T = TypeVar("T")
EASINGS = ("linear", "ease_in", "ease_out", "ease_in_out", "hold")
ORDERS = ("as_given", "ascending", "descending")


@dataclass(frozen=True)
class Key:
    """A value at a time of the clip: 0 is its beginning, 1 its end. `easing` leads to the next key."""

    time: float
    value: float
    easing: str = "ease_in_out"


@dataclass(frozen=True)
class Curve:
    """One degree over the clip, or ``eyes``, or ``brows``. expression.proto has the names and ranges of degrees."""

    name: str
    keys: Sequence[Key]

    @classmethod
    def through(cls, name: str, *values: float, easing: str = "ease_in_out") -> Curve:
        """Evenly spaced keys: ``Curve.through("smile", 0, 1)`` rises; one value stays."""
        return cls(name, tuple(Key(time, value, easing) for time, value in zip(_spread(len(values)), values)))


@dataclass(frozen=True)
class MoodKey:
    """A mood at a time of the clip, from 0 to 1: smile, serious, sad, crying, surprised or angry.

    At `strength` 0 it is the face as the photo shows it, at 1 the whole mood.
    """

    time: float
    mood: str
    strength: float = 1.0
    easing: str = "ease_in_out"

    @classmethod
    def sequence(cls, *moods: str, easing: str = "ease_in_out") -> tuple[MoodKey, ...]:
        """Moods one after the other, evenly spaced; one mood alone begins at the face as the photo shows it."""
        if len(moods) == 1:
            return cls(0.0, moods[0], 0.0, easing), cls(1.0, moods[0], 1.0, easing)
        return tuple(cls(time, mood, 1.0, easing) for time, mood in zip(_spread(len(moods)), moods))


@dataclass(frozen=True)
class Motion:
    """Curves and moods over a clip. None is the server's default: 60 frames, 30 a second.

    `order` is ``as_given``, ``ascending`` or ``descending``. With `relative`, values are added to what the photo shows.
    """

    curves: Sequence[Curve] = ()
    moods: Sequence[MoodKey] = ()
    frame_count: int | None = None
    fps: float | None = None
    loop: bool = False
    order: str = "as_given"
    relative: bool = False

    @classmethod
    def from_file(cls, path: str | Path) -> Motion:
        """Read a .json file. Raises `OSError`, `MotionFileError`."""
        return cls.from_json(Path(path).read_bytes())

    @classmethod
    def from_json(cls, text: str | bytes) -> Motion:
        """See the module. Raises `MotionFileError`."""
        try:
            entries = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _bad(f"the motion is not JSON: {error}") from error
        fields = _fields(cls, entries, "the motion")
        if "curves" in fields:
            fields["curves"] = _each(fields["curves"], "curves", _curve)
        if "moods" in fields:
            fields["moods"] = _each(
                fields["moods"], "moods", lambda entry, at: MoodKey(**_fields(MoodKey, entry, at))
            )
        return cls(**fields)


@dataclass(frozen=True)
class VideoFrame:
    """A frame of an uploaded video, named by its `media`; without an index, the one that shows an expression best."""

    media: str
    index: int | None = None
    face_box: FaceBox | None = None


@dataclass(frozen=True)
class CharacterShot:
    """A character that is animated in the place of a photo, and how it is drawn."""

    character: Character
    size_px: int | None = None
    preset: str | None = None
    view: View = field(default_factory=View)
    stage: Stage | None = None


# What is animated; bytes are those of a photo.
ExpressionSource = Union[bytes, Photo, VideoFrame, Character, CharacterShot]


@dataclass(frozen=True)
class ExpressionStart:
    """What is known before the first frame: the photo's own degrees, and the size and number of frames.

    `frame_index` is that of the video's frame, None where there is no video.
    """

    own_degrees: Mapping[str, float]
    notices: tuple[Notice, ...]
    width: int
    height: int
    frame_count: int
    frame_index: int | None = None


@dataclass(frozen=True)
class ExpressionFrame:
    """One frame, in the encoding that was asked for; a raw one has height * width * 3 bytes, row by row."""

    index: int
    time_secs: float
    content: bytes = field(repr=False)


ExpressionEvent = Union[ExpressionStart, ExpressionFrame]


@dataclass(frozen=True)
class CapturePrompt:
    """One thing to do before the camera, and the degrees at its beginning and its end; others are at rest."""

    name: str
    text: str
    duration_secs: float
    from_degrees: Mapping[str, float]
    to_degrees: Mapping[str, float]


def _spread(count: int) -> list[float]:
    return [index / max(1, count - 1) for index in range(count)]


def _curve(entry: Any, at: str) -> Curve:
    fields = _fields(Curve, entry, at)
    keys = _each(fields["keys"], f"{at}.keys", lambda key, place: Key(**_fields(Key, key, place)))
    return Curve(fields["name"], keys)


def _each(entries: Any, at: str, read: Callable[[Any, str], T]) -> tuple[T, ...]:
    if not isinstance(entries, list):
        raise _bad(f"{at} of the motion is not a list")
    return tuple(read(entry, f"{at}[{index}]") for index, entry in enumerate(entries))


def _fields(cls: Any, entry: Any, at: str) -> dict[str, Any]:
    """The entries of an object by the names and types of a dataclass."""
    specs = {spec.name: spec for spec in dataclasses.fields(cls)}
    if not isinstance(entry, dict) or set(entry) - set(specs):
        raise _bad(f"{at} is not an object with some of {', '.join(specs)}")
    missing = [
        name for name, spec in specs.items() if spec.default is dataclasses.MISSING and name not in entry
    ]
    if missing:
        raise _bad(f"{at} has no {missing[0]}")
    for name, value in entry.items():
        if not _is_of(str(specs[name].type), value):
            raise _bad(f"{name} of {at} is {value!r}; expected {_KINDS.get(_kind(specs[name]), 'a list')}")
    return dict(entry)


_KINDS = {"float": "a number", "int": "a whole number", "str": "a text", "bool": "true or false"}


def _kind(spec: Any) -> str:
    return str(spec.type).partition(" ")[0]


def _is_of(annotation: str, value: Any) -> bool:
    kind, _, rest = annotation.partition(" ")
    if value is None:
        return rest.endswith("None")
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {
        "float": is_number,
        "int": is_number and isinstance(value, int),
        "str": isinstance(value, str),
        "bool": isinstance(value, bool),
    }.get(kind, True)


def _bad(message: str) -> InvalidInputError:
    return MotionFileError(message, reason="INVALID_MOTION_FILE")
