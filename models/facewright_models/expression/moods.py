"""Moods by name, as combinations of degrees."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping

from facewright_models.errors import ParameterRangeError, UnknownParameterError
from facewright_models.expression.types import REST_DEGREES

__all__ = ["MOODS", "check_mood", "mood_degrees"]


def _mood(*, eyes: float = 1.0, **degrees: float) -> dict[str, float]:
    return {**REST_DEGREES, "left_eye": eyes, "right_eye": eyes, **degrees}


MOODS: Mapping[str, Mapping[str, float]] = {
    "smile": _mood(eyes=0.85, smile=0.95, jaw=0.12),
    "serious": _mood(eyes=0.9, frown=0.4),
    "sad": _mood(eyes=0.75, sad=0.9, brow_raise=0.65, frown=0.5),
    "crying": _mood(eyes=0.3, sad=1.0, jaw=0.2, brow_raise=0.6, frown=0.6, nose_wrinkle=0.7),
    "surprised": _mood(eyes=1.25, jaw=0.55, brow_raise=0.9),
    "angry": _mood(eyes=0.9, sad=0.5, frown=1.0, nose_wrinkle=0.8),
}
"""All degrees of each mood at its full strength: a mood also takes back what another expression did.

Source: seed 000 [0058]-[0059], [0063].
"""


def mood_degrees(name: str, strength: float = 1.0) -> dict[str, float]:
    """All degrees of a mood: at strength 0 the face at rest, at 1 the whole mood, in between linear.

    Raises UnknownParameterError, ParameterRangeError (NaN, or outside [0, 1]).
    """
    check_mood(name, field="mood")
    if not (math.isfinite(strength) and 0.0 <= strength <= 1.0):
        raise ParameterRangeError(
            f"the strength of the mood '{name}' is {strength}; expected a number in [0, 1]",
            field="strength",
            metadata={"got": str(strength)},
        )
    return {
        degree: (1.0 - strength) * REST_DEGREES[degree] + strength * value
        for degree, value in MOODS[name].items()
    }


def check_mood(name: str, *, field: str) -> None:
    """Raises UnknownParameterError with close names."""
    if name in MOODS:
        return
    near = difflib.get_close_matches(name, MOODS, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UnknownParameterError(
        f"there is no mood '{name}'; {hint}moods: {', '.join(MOODS)}", field=field, metadata={"got": name}
    )
