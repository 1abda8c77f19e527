"""What goes into a fit and what comes out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from facewright.character import Character, Color
from facewright.errors import InvalidInputError

__all__ = [
    "PRESETS",
    "FaceBox",
    "FitOptions",
    "FitProgress",
    "FitReport",
    "FitResult",
    "FitSeconds",
    "Locks",
    "Notice",
    "Photo",
    "RefitReport",
    "RefitResult",
    "Subject",
]

PRESETS = ("younger", "older", "heavier", "stylised")


@dataclass(frozen=True)
class FaceBox:
    """A rectangle in pixels of the upright photo (after its EXIF rotation)."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Photo:
    """An encoded image (JPEG, PNG, WebP, ...); `face_box` chooses a face, otherwise the largest is taken.

    Either its bytes, `content`, or the name of an uploaded file, `media`. Raises `InvalidInputError` for both.
    """

    content: bytes = b""
    face_box: FaceBox | None = None
    media: str = ""

    def __post_init__(self) -> None:
        if self.content and self.media:
            raise InvalidInputError(
                f"the photo has {len(self.content):,} bytes and the name {self.media!r}; expected one of the two",
                reason="INVALID_REQUEST",
            )

    @classmethod
    def from_file(cls, path: str | Path, *, face_box: FaceBox | None = None) -> Photo:
        """Read the file. Raises `OSError`."""
        return cls(Path(path).read_bytes(), face_box)

    @classmethod
    def from_media(cls, name: str, *, face_box: FaceBox | None = None) -> Photo:
        """A file uploaded before, by its name ``media/...``."""
        return cls(face_box=face_box, media=name)


@dataclass(frozen=True)
class Subject:
    """One person, in one or several photos."""

    photos: tuple[Photo, ...]


@dataclass(frozen=True)
class Locks:
    """Parameters that keep the given value during a fit."""

    sliders: Mapping[str, float] = field(default_factory=dict)
    styles: Mapping[str, str] = field(default_factory=dict)
    colors: Mapping[str, Color] = field(default_factory=dict)


@dataclass(frozen=True)
class FitOptions:
    """How to fit; None is the default of the server. Ranges are in fitting.proto.

    `mode` is ``refine`` or ``fast``, which takes the parameters as they are read at a glance and is faster.
    `content_norm` is ``l1`` or ``l2``, `alignment` is ``similarity`` or ``affine``. With `texture` the result has the
    person's own skin.
    """

    iterations: int | None = None
    similarity_threshold: float | None = None
    seed: int | None = None
    content_weight: float | None = None
    identity_weight: float | None = None
    landmark_weight: float | None = None
    content_norm: str | None = None
    alignment: str | None = None
    locks: Locks = field(default_factory=Locks)
    texture: bool = False
    mode: str | None = None


@dataclass(frozen=True)
class FitProgress:
    """Where the fit of one person stands; `stage` is align, features, optimise or render."""

    subject: int
    stage: str
    iteration: int
    iterations: int
    loss: float
    similarity: float


@dataclass(frozen=True)
class Notice:
    """Something about the input that lowers quality; `code` is UPPER_SNAKE."""

    code: str
    message: str


@dataclass(frozen=True)
class FitSeconds:
    """Seconds per stage."""

    align: float
    features: float
    optimise: float
    render: float
    total: float


@dataclass(frozen=True)
class FitReport:
    """How well it went; the fields are described in report.proto."""

    identity_cosine: float
    content_l1: float
    landmark_nme: float
    iterations: int
    seconds: FitSeconds
    warnings: tuple[Notice, ...]
    confidence: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """``report.json``."""
        entries = {
            "identity_cosine": self.identity_cosine,
            "content_l1": self.content_l1,
            "landmark_nme": self.landmark_nme,
            "iterations": self.iterations,
            "seconds": vars(self.seconds),
            "warnings": [vars(notice) for notice in self.warnings],
            "confidence": dict(self.confidence),
        }
        return json.dumps(entries, indent=2) + "\n"


@dataclass(frozen=True)
class RefitReport:
    """What the changes did to the person; the fields are described in fitting.proto. `fit` is None without photos."""

    identity_distance: float
    strength: float
    fit: FitReport | None
    seconds: FitSeconds
    warnings: tuple[Notice, ...]

    def to_json(self) -> str:
        """``report.json`` of a refit."""
        entries = {
            "identity_distance": self.identity_distance,
            "strength": self.strength,
            "fit": None if self.fit is None else json.loads(self.fit.to_json()),
            "seconds": vars(self.seconds),
            "warnings": [vars(notice) for notice in self.warnings],
        }
        return json.dumps(entries, indent=2) + "\n"


@dataclass(frozen=True)
class FitResult:
    """One fitted person. The pictures are PNG bytes; the first three are 512 x 512.

    With `FitOptions.texture`, `skin_texture_png` is the file that `character.skin_texture` names, and
    `skin_texture_media` its name on the server, which drops it after a while: keep the file.
    """

    subject: int
    character: Character
    report: FitReport
    aligned_photo_png: bytes = field(repr=False)
    imitated_png: bytes = field(repr=False)
    rendered_png: bytes = field(repr=False)
    comparison_png: bytes = field(repr=False)
    skin_texture_png: bytes = field(default=b"", repr=False)
    skin_texture_media: str = ""


@dataclass(frozen=True)
class RefitResult:
    """An edited character. The pictures are PNG bytes: the new character, and those before and after side by side."""

    character: Character
    report: RefitReport
    rendered_png: bytes = field(repr=False)
    comparison_png: bytes = field(repr=False)
