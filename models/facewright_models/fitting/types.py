"""What goes into a fit and what comes out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import FacewrightError, ParameterRangeError
from facewright_models.landmarks import FaceBox
from facewright_models.photo import Notice, Photo
from facewright_models.rig import Character, Color

__all__ = [
    "Check",
    "FitOptions",
    "FitOutcome",
    "FitProgress",
    "FitReport",
    "FitResult",
    "Stage",
    "StopQuery",
    "Subject",
    "go_on",
    "nobody_leaves",
    "nothing_stops",
]

MAX_ITERATIONS = 1000
Stage = Literal["align", "features", "optimise", "render"]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One person in one to eight photos. `face_boxes` names the face in each photo; None: the largest one.

    The shape begins at the character `start`, where there is one, in the place of what is guessed from the photos.
    """

    photos: tuple[Photo, ...]
    face_boxes: tuple[FaceBox | None, ...] = ()
    start: Character | None = None


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How a fit runs.

    mode "refine" adjusts the parameters step by step; "fast" takes them as they are read at a glance: sliders from the
    landmarks and the translator, styles from the style reader, colours from the parsed regions. It makes no adjustment.
    iterations is the target number of adjustments that are drawn (a rig without an identity imitator, which makes the
    many small ones, wants about 28), and similarity_threshold the target threshold of [0048];
    similarity is the cosine of the identity embeddings of photo and imitated face. Weights may be 0.
    content_norm "l2" is the option of [0036]. alignment "affine" also normalises the face's width ([0058]).
    landmark_weight only acts on rigs whose mesh is known. Locked parameters keep their given values. bake_skin also
    makes the texture of the person's own skin.
    """

    mode: Literal["refine", "fast"] = "refine"
    iterations: int = 6
    similarity_threshold: float = 0.995
    seed: int = 0
    content_weight: float = 1.0
    identity_weight: float = 1.0
    landmark_weight: float = 1.0
    content_norm: Literal["l1", "l2"] = "l1"
    alignment: Literal["similarity", "affine"] = "similarity"
    bake_skin: bool = False
    locked_sliders: Mapping[str, float] = field(default_factory=dict)
    locked_styles: Mapping[str, str] = field(default_factory=dict)
    locked_colors: Mapping[str, Color] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ParameterRangeError for weights, counts and choices that mean nothing."""
        for name in ("content_weight", "identity_weight", "landmark_weight"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise _refusal(name, value, "a finite number >= 0")
        if not 0 <= self.iterations <= MAX_ITERATIONS:
            raise _refusal("iterations", self.iterations, f"0..{MAX_ITERATIONS}")
        if not math.isfinite(self.similarity_threshold):
            raise _refusal(
                "similarity_threshold", self.similarity_threshold, "a finite number; above 1 never stops"
            )
        if self.mode not in ("refine", "fast"):
            raise _refusal("mode", self.mode, "'refine' or 'fast'")
        if self.content_norm not in ("l1", "l2"):
            raise _refusal("content_norm", self.content_norm, "'l1' or 'l2'")
        if self.alignment not in ("similarity", "affine"):
            raise _refusal("alignment", self.alignment, "'similarity' or 'affine'")


@dataclass(frozen=True, kw_only=True)
class FitProgress:
    """One step of one subject. `similarity` is the current identity cosine; `loss` the weighted objective."""

    iteration: int
    iterations: int
    stage: Stage
    loss: float
    similarity: float
    subject: int


@dataclass(frozen=True, kw_only=True)
class FitReport:
    """Measured on the final frame of the mesh renderer, against the (first) aligned photo.

    identity_cosine: cosine of the two embeddings; content_l1: mean absolute difference of the parsing
    features over their mean; landmark_nme: mean distance of the 68 points over the inter-ocular distance. In the mode
    "fast" the frame's points are where the rig says that they are; else they are found in it. confidence: group of
    sliders -> 0 (the photos say nothing) to 1 (no doubt left), empty where the mesh is unknown.
    """

    identity_cosine: float
    content_l1: float
    landmark_nme: float
    iterations: int
    seconds: Mapping[str, float]
    warnings: tuple[Notice, ...]
    confidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """Images are (512, 512, 3) uint8 sRGB: the aligned photo, the imitator's output for the final parameters
    ([0135]) and the renderer's frame of the same character. skin_texture_png is the file that the character's
    skin_texture was read from, if it was asked for.
    """

    character: Character
    report: FitReport
    aligned_photo: NDArray[np.uint8]
    imitated: NDArray[np.uint8]
    rendered: NDArray[np.uint8]
    skin_texture_png: bytes | None = field(default=None, repr=False)


FitOutcome = FitResult | FacewrightError
"""What became of one subject of several."""

StopQuery = Callable[[], bool]
Check = Callable[[], None]
"""Called between the parts of long work; raises FitCancelledError when the work is to end."""


def nothing_stops() -> bool:
    """The default answer to "should the fit stop?"."""
    return False


def nobody_leaves(index: int) -> bool:  # noqa: ARG001
    """The default answer to "does nobody wait for this subject any more?"."""
    return False


def go_on() -> None:
    """The default between two parts of long work."""


def _refusal(name: str, got: object, expected: str) -> ParameterRangeError:
    return ParameterRangeError(
        f"options.{name} is {got!r}; expected {expected}", field=f"options.{name}", metadata={"got": str(got)}
    )
