"""Argument types: what is written on the command line -> values."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Union

from facewright.character import Color
from facewright.fitting import FaceBox, Locks

__all__ = [
    "bytes_text",
    "color",
    "color_text",
    "degree_values",
    "duration_secs",
    "duration_text",
    "face_box",
    "kept_or_named_value",
    "locks_of",
    "mood_names",
    "named_color",
    "named_number",
    "named_style",
    "named_value",
]

LockValue = Union[float, str, Color]


def face_box(text: str) -> FaceBox:
    """``x,y,w,h`` in pixels."""
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"got {text!r}, expected x,y,w,h in whole pixels, e.g. 40,30,200,200"
        ) from error
    return FaceBox(x, y, width, height)


def degree_values(text: str) -> tuple[float, ...]:
    """``0:1``, or more or fewer numbers."""
    try:
        return tuple(float(part) for part in text.split(":"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"got {text!r}, expected numbers like 0:1, or 0:1:0, or 0.5"
        ) from error


def mood_names(text: str) -> tuple[str, ...]:
    """``sad``, or ``smile,serious,sad``."""
    names = tuple(part.strip() for part in text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected names like sad, or smile,serious,sad")
    return names


def named_number(text: str) -> tuple[str, float]:
    """``NAME=0.7``."""
    name, _, value = text.partition("=")
    try:
        return _checked_name(name, text), float(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected NAME=NUMBER, e.g. jawOpen=0.5") from error


def named_value(text: str) -> tuple[str, LockValue]:
    """``NAME=0.7`` (slider), ``NAME=#c08060`` or ``NAME=1,0,0.5`` (colour), else ``NAME=OPTION`` (style)."""
    name, _, value = text.partition("=")
    name, value = _checked_name(name, text), value.strip()
    if not value:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected NAME=VALUE, e.g. hair=bob")
    try:
        return name, float(value)
    except ValueError:
        pass
    if value.startswith("#") or value.count(",") == 2:
        return name, _color(value)
    return name, value


def kept_or_named_value(text: str) -> tuple[str, LockValue | None]:
    """``NAME`` alone, or what `named_value` takes."""
    if "=" in text or not text.strip():
        return named_value(text)
    return text.strip(), None


def named_style(text: str) -> tuple[str, str]:
    """``SLOT=OPTION``."""
    slot, _, option = text.partition("=")
    slot, option = slot.strip(), option.strip()
    if not slot or not option:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected SLOT=OPTION, e.g. hair=bob")
    return slot, option


def named_color(text: str) -> tuple[str, Color]:
    """``NAME=#c08060`` or ``NAME=1,0,0.5``."""
    name, _, value = text.partition("=")
    return _checked_name(name, text), _color(value.strip())


def color(text: str) -> Color:
    """``#c08060`` or ``1,0,0.5``."""
    return _color(text.strip())


def locks_of(pairs: Iterable[tuple[str, LockValue]]) -> Locks:
    """Locks by kind of value; the last value of a name counts."""
    sliders: dict[str, float] = {}
    styles: dict[str, str] = {}
    colors: dict[str, Color] = {}
    for name, value in dict(pairs).items():
        if isinstance(value, Color):
            colors[name] = value
        elif isinstance(value, str):
            styles[name] = value
        else:
            sliders[name] = value
    return Locks(sliders, styles, colors)


def color_text(color: Color) -> str:
    """``#rrggbb``."""
    return "#" + "".join(f"{round(255 * part):02x}" for part in (color.red, color.green, color.blue))


def bytes_text(size_bytes: float) -> str:
    """``3.2 MB``, powers of 1024."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size_bytes < 1024 or unit == "GB":
            break
        size_bytes /= 1024
    return f"{size_bytes:.0f} {unit}" if unit == "bytes" else f"{size_bytes:.1f} {unit}"


def duration_secs(text: str) -> float:
    """``90s``, ``30m``, ``12h``, ``7d``; a plain number is seconds."""
    unit_secs = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:], 0)
    try:
        secs = float(text[:-1]) * unit_secs if unit_secs else float(text)
    except ValueError:
        secs = -1.0
    if not 0 < secs < float("inf"):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a time like 90s, 30m, 12h or 7d")
    return secs


def duration_text(secs: float) -> str:
    """``45 s``, ``3 min``, ``24 h``, ``7 days``."""
    for size, unit in ((2 * 86400, "days"), (2 * 3600, "h"), (120, "min")):
        if secs >= size:
            return f"{secs / {'days': 86400, 'h': 3600, 'min': 60}[unit]:.0f} {unit}"
    return f"{secs:.0f} s"


def _color(text: str) -> Color:
    try:
        red, green, blue = _hex_parts(text) if text.startswith("#") else map(float, text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"got {text!r}, expected a colour like #c08060 or 0.75,0.5,0.38"
        ) from error
    return Color(red, green, blue)


def _hex_parts(text: str) -> Iterable[float]:
    """``#rrggbb`` -> three numbers in [0, 1]; too many or too few digits give another count."""
    return (int(text[start : start + 2], 16) / 255 for start in range(1, len(text), 2))


def _checked_name(name: str, text: str) -> str:
    if not name.strip() or "=" not in text:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected NAME=VALUE")
    return name.strip()
