"""What goes into a refit and what comes out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import InvalidInputError, ParameterRangeError
from facewright_models.fitting.types import FitOptions, FitReport, Subject
from facewright_models.photo import Notice
from facewright_models.rig import Character, Color

__all__ = ["Refit", "RefitReport", "RefitResult"]


@dataclass(frozen=True, kw_only=True)
class Refit:
    """What is to become of a character.

    With photos (`subject`) its sliders and colours are fitted on to them, beginning where they are. `kept` names
    sliders, style slots and colours that keep their values, the locked ones take the given value and keep it, `styles`
    and `colors` are wanted changes. `preset` moves the face along a direction of the rig, the share `strength` in
    [0,1] of the way; None is all of it. Styles change only when they are named. `options` are for the photos.
    """

    character: Character
    subject: Subject | None = None
    kept: tuple[str, ...] = ()
    locked_sliders: Mapping[str, float] = field(default_factory=dict)
    locked_styles: Mapping[str, str] = field(default_factory=dict)
    locked_colors: Mapping[str, Color] = field(default_factory=dict)
    styles: Mapping[str, str] = field(default_factory=dict)
    colors: Mapping[str, Color] = field(default_factory=dict)
    preset: str | None = None
    strength: float | None = None
    options: FitOptions = field(default_factory=FitOptions)

    def __post_init__(self) -> None:
        """Raises ParameterRangeError, InvalidInputError for what is wrong on any rig."""
        strength = self.strength
        if strength is not None and not (math.isfinite(strength) and 0 <= strength <= 1):
            raise ParameterRangeError(
                f"strength is {strength}; expected a number in [0, 1]",
                field="strength",
                metadata={"got": str(strength)},
            )
        if strength is not None and self.preset is None:
            raise InvalidInputError(
                f"strength is {strength} without a preset; expected a preset beside it, or no strength",
                field="strength",
            )
        if self.options.locked_sliders or self.options.locked_styles or self.options.locked_colors:
            raise InvalidInputError(
                "got locks among the options of a refit; give them as the refit's own locks",
                field="options.locks",
            )
        if self.options.bake_skin:
            raise InvalidInputError(
                "got bake_skin, and a refit keeps the character's skin as it is; fit the photos to bake another one",
                field="options.bake_skin",
            )


@dataclass(frozen=True, kw_only=True)
class RefitReport:
    """identity_distance: Euclidean distance of the identity embeddings of the frames before and after.

    strength: that with which the preset was applied; less than what was asked for where the face would have become
    another person's, 0 without a preset. `fit` says how well the photos were fitted, before the preset; None without.
    """

    identity_distance: float
    strength: float
    seconds: Mapping[str, float]
    warnings: tuple[Notice, ...]
    fit: FitReport | None


@dataclass(frozen=True, kw_only=True)
class RefitResult:
    """The frames (512, 512, 3) uint8 sRGB are the renderer's, of the character that came and of the new one."""

    character: Character
    report: RefitReport
    before: NDArray[np.uint8]
    rendered: NDArray[np.uint8]
