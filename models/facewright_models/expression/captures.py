"""A recording with labels of degrees, as the guided capture writes it and as people correct it, for training.

The folder holds the clip and ``capture.json``::

    {
        "clip": "clip.mp4",
        "prompts": [
            {
                "name": "smile",
                "text": "Smile slowly.",
                "start_secs": 3.0,
                "end_secs": 6.0,
                "from_degrees": {"smile": 0.0},
                "to_degrees": {"smile": 1.0},
            }
        ],
    }

Degrees go evenly from the beginning of a prompt to its end; those that are not named are at rest.

Source: seed 000 [0070], [0079].
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facewright_models.errors import InvalidInputError, ParameterRangeError, UnknownParameterError
from facewright_models.expression.types import DEGREE_RANGES, DEGREES, REST_DEGREES

__all__ = ["CAPTURE_FILE", "ExpressionCapture", "LabelledSpan", "read_capture"]

CAPTURE_FILE = "capture.json"


@dataclass(frozen=True, kw_only=True)
class LabelledSpan:
    """A part of the clip, in seconds, and all degrees at its beginning and at its end."""

    name: str
    start_secs: float
    end_secs: float
    from_degrees: Mapping[str, float]
    to_degrees: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class ExpressionCapture:
    """The clip and its labelled parts, in their order."""

    clip: Path
    spans: tuple[LabelledSpan, ...]

    def degrees_at(self, time_secs: float) -> dict[str, float] | None:
        """All degrees of the frame at a time of the clip; None where nothing is said of it."""
        for span in self.spans:
            if span.start_secs <= time_secs <= span.end_secs:
                share = (time_secs - span.start_secs) / (span.end_secs - span.start_secs)
                return {
                    name: (1.0 - share) * span.from_degrees[name] + share * span.to_degrees[name]
                    for name in DEGREES
                }
        return None


def read_capture(folder: Path) -> ExpressionCapture:
    """Read and check a folder.

    Raises InvalidInputError (no such file, not JSON, spans that overlap), UnknownParameterError, ParameterRangeError;
    `field` is a path such as `prompts[2].to_degrees[smile]`.
    """
    file = folder / CAPTURE_FILE
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInputError(
            f"{file} cannot be read: {error.strerror or error}; expected the folder that a capture wrote"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{file} is not JSON: {error}") from error
    if not (isinstance(content, dict) and isinstance(content.get("prompts"), list) and content["prompts"]):
        raise InvalidInputError(
            f"{file} has no prompts; expected an object with clip and prompts", field="prompts"
        )
    name = content.get("clip")
    if not isinstance(name, str) or Path(name).name != name or not (folder / name).is_file():
        raise InvalidInputError(
            f"{file} names the clip {name!r}; expected the name of a file beside it", field="clip"
        )
    spans: list[LabelledSpan] = []
    for index, entry in enumerate(content["prompts"]):
        spans.append(_span(entry, f"prompts[{index}]", after=spans[-1].end_secs if spans else 0.0))
    return ExpressionCapture(clip=folder / name, spans=tuple(spans))


def _span(entry: Any, field: str, *, after: float) -> LabelledSpan:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise InvalidInputError(
            f"{field} has no name; expected an object as a capture writes it", field=field
        )
    start, end = (_number(entry.get(key), f"{field}.{key}") for key in ("start_secs", "end_secs"))
    if not after <= start < end:
        raise InvalidInputError(
            f"{field} is from {start:g} to {end:g} s; expected an end after its beginning, and a beginning not before "
            f"{after:g} s, where the one before ends",
            field=f"{field}.start_secs",
        )
    return LabelledSpan(
        name=entry["name"],
        start_secs=start,
        end_secs=end,
        from_degrees=_degrees(entry.get("from_degrees"), f"{field}.from_degrees"),
        to_degrees=_degrees(entry.get("to_degrees"), f"{field}.to_degrees"),
    )


def _degrees(entry: Any, field: str) -> dict[str, float]:
    if not isinstance(entry, dict):
        raise InvalidInputError(f"{field} is missing; expected an object of degrees by name", field=field)
    degrees = dict(REST_DEGREES)
    for name, value in entry.items():
        if name not in DEGREE_RANGES:
            raise UnknownParameterError(
                f"there is no degree {name!r}; degrees: {', '.join(DEGREES)}", field=f"{field}[{name}]"
            )
        low, high = DEGREE_RANGES[name]
        number = _number(value, f"{field}[{name}]")
        if not low <= number <= high:
            raise ParameterRangeError(
                f"{name} is {number:g}; expected a number in [{low:g}, {high:g}]", field=f"{field}[{name}]"
            )
        degrees[name] = number
    return degrees


def _number(value: Any, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ParameterRangeError(f"{field} is {value!r}; expected a number", field=field)
    return float(value)
