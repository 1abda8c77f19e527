"""A clip: how a face moves frame by frame, and the files that it comes in.

Two kinds of files are read. JSON is an object with the fields of `Clip`, `weights` as one list per frame::

    {
        "fps": 30,
        "curves": ["jawOpen", "mouthSmileLeft"],
        "weights": [[0, 0.1], [0.2, 0.1]],
        "yaw_degrees": [0, 5],
    }

CSV has a header of names and a row per frame, as the app Live Link Face exports it: ARKit names with a capital letter
(`JawOpen`), times in a column `Timecode`; `BlendShapeCount` and the angles of head and eyes are not used. Columns
`time_secs`, `yaw_degrees` and `pitch_degrees` are understood as well.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from facewright.errors import ClipFileError, InvalidInputError
from facewright.rendering import View

__all__ = ["CAMERAS", "ENCODINGS", "PRESETS", "ROW_ORDERS", "Clip", "ClipFrame"]

PRESETS = ("draft", "full")
ENCODINGS = ("raw_rgb24", "jpeg", "png")
ROW_ORDERS = ("top_down", "bottom_up")
CAMERAS: Mapping[str, View] = {
    "front": View(),
    "three-quarter": View(yaw_degrees=35.0, pitch_degrees=4.0),
    "profile": View(yaw_degrees=90.0),
}
"""Views by name; the turntable, which moves, is `Clip.turntable`."""

_FPS, _LIVE_LINK_FPS = 30.0, 60.0
_LARGEST_YAW = 90.0
_NOT_CURVES = re.compile(r"(blendshapecount|(head|lefteye|righteye)(yaw|pitch|roll))", re.IGNORECASE)
_TIMECODE = re.compile(r"(\d+):(\d+):(\d+)[:;](\d+(?:\.\d+)?)")
_OWN_COLUMNS = ("time_secs", "yaw_degrees", "pitch_degrees")


@dataclass(frozen=True)
class Clip:
    """Strengths in [0, 1], one for every curve frame after frame; angles: none, one for all, or one per frame.

    A frame i is shown at i / fps, or at ``times_secs[i]``. Without fps and times a clip has 30 frames a second. A
    clip without curves has as many frames as it has times or angles.
    """

    curves: Sequence[str] = ()
    weights: Sequence[float] = field(default=(), repr=False)
    fps: float | None = None
    times_secs: Sequence[float] = field(default=(), repr=False)
    yaw_degrees: Sequence[float] = field(default=(), repr=False)
    pitch_degrees: Sequence[float] = field(default=(), repr=False)

    @property
    def frame_count(self) -> int:
        """Whole frames."""
        if self.curves:
            return len(self.weights) // len(self.curves)
        return max(len(self.times_secs), len(self.yaw_degrees), len(self.pitch_degrees))

    @classmethod
    def turntable(cls, frame_count: int = 120, *, fps: float = _FPS, pitch_degrees: float = 0.0) -> Clip:
        """A face at rest that turns from the front to one profile, to the other and back: it can be repeated."""
        turns = [_LARGEST_YAW * math.sin(2 * math.pi * index / frame_count) for index in range(frame_count)]
        return cls(fps=fps, yaw_degrees=turns, pitch_degrees=(pitch_degrees,))

    def seen_from(self, view: View) -> Clip:
        """The same movement from one view."""
        return replace(self, yaw_degrees=(view.yaw_degrees,), pitch_degrees=(view.pitch_degrees,))

    def at_fps(self, fps: float) -> Clip:
        """The same frames at another pace."""
        return replace(self, fps=fps, times_secs=())

    @classmethod
    def from_file(cls, path: str | Path) -> Clip:
        """Read a .json or .csv file. Raises `OSError`, `ClipFileError`."""
        path = Path(path)
        content = path.read_bytes()
        read = {".json": cls.from_json, ".csv": cls.from_csv}.get(path.suffix.lower())
        if read is None:
            raise _bad(f"the clip {path.name} is of no known kind; expected a .json or .csv file")
        return read(content)

    @classmethod
    def from_json(cls, text: str | bytes) -> Clip:
        """See the module. Raises `ClipFileError`."""
        try:
            entries = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _bad(f"the clip is not JSON: {error}") from error
        known = ("curves", "weights", "fps", "times_secs", "yaw_degrees", "pitch_degrees")
        if not isinstance(entries, dict) or set(entries) - set(known):
            raise _bad(f"the clip is not an object with some of {', '.join(known)}")
        curves = entries.get("curves", [])
        if not (isinstance(curves, list) and all(isinstance(name, str) for name in curves)):
            raise _bad("the clip's curves are not a list of names")
        rows = entries.get("weights", [])
        if not isinstance(rows, list):
            raise _bad("the clip's weights are not a list with one list per frame")
        for index, row in enumerate(rows):
            if not isinstance(row, list) or len(row) != len(curves):
                raise _bad(f"weights[{index}] is not a list of {len(curves)} numbers, one per curve")
        fps = entries.get("fps")
        return cls(
            curves=tuple(curves),
            weights=_numbers("weights", (value for row in rows for value in row), "f"),
            fps=None if fps is None else _numbers("fps", [fps], "d")[0],
            **{name: _numbers(name, entries.get(name, []), "d") for name in _OWN_COLUMNS_JSON},
        )

    @classmethod
    def from_csv(cls, text: str | bytes) -> Clip:
        """See the module. Weights a little beyond [0, 1], which trackers give, are cut. Raises `ClipFileError`."""
        try:
            decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
            header, *rows = [row for row in csv.reader(io.StringIO(decoded), strict=True) if row]
        except (ValueError, csv.Error) as error:
            raise _bad(f"the clip is not a CSV file with a header: {error}") from error
        header = [name.strip() for name in header]
        for line, row in enumerate(rows, start=2):
            if len(row) != len(header):
                raise _bad(f"row {line} of the clip has {len(row)} columns, the header {len(header)}")
        columns = dict(zip(header, zip(*rows))) if rows else dict.fromkeys(header, ())
        timecodes = next((columns.pop(name) for name in header if name.lower() == "timecode"), None)
        own = {name: _numbers(name, columns.pop(name, ()), "d") for name in _OWN_COLUMNS}
        curves = [name for name in columns if not _NOT_CURVES.fullmatch(name)]
        values = [_numbers(name, columns[name], "f") for name in curves]
        if timecodes is not None and not own["time_secs"]:
            own["time_secs"] = _times(timecodes)
        times = own.pop("time_secs")
        return cls(
            curves=tuple(name[:1].lower() + name[1:] for name in curves),
            weights=array("f", (_cut(value) for frame in zip(*values) for value in frame)),
            fps=_LIVE_LINK_FPS if timecodes is not None and not times else None,
            times_secs=times,
            **own,
        )


@dataclass(frozen=True)
class ClipFrame:
    """One frame of a stream: `content` is in the encoding that was asked for, a square of `size_px`.

    ``numpy.frombuffer(frame.content, "u1").reshape(frame.size_px, frame.size_px, 3)`` reads a raw one.
    """

    index: int
    time_secs: float
    content: bytes = field(repr=False)
    size_px: int


_OWN_COLUMNS_JSON = ("times_secs", "yaw_degrees", "pitch_degrees")


def _numbers(name: str, values: Iterable[Any], kind: str) -> array[float]:
    try:
        return array(kind, (float(value) for value in values))
    except (TypeError, ValueError, OverflowError) as error:
        raise _bad(f"{name} of the clip has something that is no number: {error}") from error


def _times(timecodes: Sequence[str]) -> array[float]:
    """Seconds since the first; nothing when they do not ascend, as after a restart of the recording."""
    found = [_TIMECODE.fullmatch(code.strip()) for code in timecodes]
    secs = [
        3600 * int(match[1]) + 60 * int(match[2]) + int(match[3]) + float(match[4]) / _LIVE_LINK_FPS
        for match in found
        if match
    ]
    if len(secs) != len(timecodes) or any(a >= b for a, b in zip(secs, secs[1:])):
        return array("d")
    return array("d", (moment - secs[0] for moment in secs))


def _cut(value: float) -> float:
    """Into [0, 1]; NaN stays, for the server to refuse."""
    return value if math.isnan(value) else min(1.0, max(0.0, value))


def _bad(message: str) -> InvalidInputError:
    return ClipFileError(message, reason="INVALID_CLIP_FILE")
