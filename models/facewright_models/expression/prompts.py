"""What a person is asked to do, one thing after the other, so that a recording shows every degree from end to end.

Source: seed 000 [0070], [0079].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from facewright_models.expression.types import REST_DEGREES

__all__ = ["CAPTURE_PROMPTS", "CapturePrompt"]


@dataclass(frozen=True, kw_only=True)
class CapturePrompt:
    """One thing to do, and all degrees at its beginning and at its end; they go from one to the other evenly."""

    name: str
    text: str
    duration_secs: float
    from_degrees: Mapping[str, float]
    to_degrees: Mapping[str, float]


_REST_SECS, _MOVE_SECS = 3.0, 3.0
_BOTH_EYES = ("left_eye", "right_eye")
# Degrees and their end, and what to say on the way there and on the way back.
_MOVEMENTS: tuple[tuple[str, tuple[str, ...], float, str, str], ...] = (
    (
        "smile",
        ("smile",),
        1.0,
        "Smile slowly, until you smile as broadly as you can.",
        "Let the smile go again, slowly.",
    ),
    ("close_eyes", _BOTH_EYES, 0.0, "Close both eyes slowly.", "Open them again, slowly."),
    (
        "widen_eyes",
        _BOTH_EYES,
        1.5,
        "Open your eyes as wide as you can, slowly.",
        "Let them go back to how they are.",
    ),
    ("raise_brows", ("brow_raise",), 1.0, "Raise your brows slowly, as far as they go.", "Lower them again."),
    ("frown", ("frown",), 1.0, "Draw your brows together slowly, into a frown.", "Relax your brows again."),
    ("open_mouth", ("jaw",), 1.0, "Open your mouth slowly, as far as it goes.", "Close it again, slowly."),
    (
        "sad",
        ("sad",),
        1.0,
        "Draw the corners of your mouth down slowly, as far as they go.",
        "Relax your mouth again.",
    ),
    ("wrinkle_nose", ("nose_wrinkle",), 1.0, "Wrinkle your nose slowly.", "Relax it again."),
)


def _prompts() -> Iterator[CapturePrompt]:
    yield CapturePrompt(
        name="rest",
        text="Look straight into the camera, with your face relaxed.",
        duration_secs=_REST_SECS,
        from_degrees=REST_DEGREES,
        to_degrees=REST_DEGREES,
    )
    for name, degrees, end, there, back in _MOVEMENTS:
        moved = {**REST_DEGREES, **dict.fromkeys(degrees, end)}
        yield CapturePrompt(
            name=name, text=there, duration_secs=_MOVE_SECS, from_degrees=REST_DEGREES, to_degrees=moved
        )
        yield CapturePrompt(
            name=f"{name}_back",
            text=back,
            duration_secs=_MOVE_SECS,
            from_degrees=moved,
            to_degrees=REST_DEGREES,
        )


CAPTURE_PROMPTS = tuple(_prompts())
