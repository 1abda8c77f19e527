"""Errors of the render-regression kit; they belong to the tree of `facewright.errors`.

InvalidInputError
└── GoldenError                     what the kit was given cannot be used
    ├── SceneFileError              SCENE_FILE           a scene file: names file, key, and what was expected
    ├── PictureError                PICTURE              a PNG that is missing, damaged, too large or of a mode that
    │                                                    cannot be compared; names the file
    ├── NoFrameError                NO_FRAME             no frame of a scene where the run looks for frames
    ├── PictureShapeError           PICTURE_SHAPE        two pictures of other sizes or channels
    ├── MaskError                   MASK                 a mask that does not fit the picture or leaves nothing of it
    ├── ChangedReferenceError       CHANGED_REFERENCE    an accepted picture is not the one that was accepted
    ├── ReportError                 REPORT               no report of a run, or not that of this run
    └── MissingExtraError           MISSING_EXTRA        the packages of the extra `testing` are not installed
"""

from __future__ import annotations

from facewright.errors import InvalidInputError

__all__ = [
    "ChangedReferenceError",
    "GoldenError",
    "MaskError",
    "MissingExtraError",
    "NoFrameError",
    "PictureError",
    "PictureShapeError",
    "ReportError",
    "SceneFileError",
]


class GoldenError(InvalidInputError):
    """What the kit was given cannot be used; the message says what to do."""

    default_reason = "GOLDEN"

    def __init__(self, message: str) -> None:
        super().__init__(message, reason=self.default_reason)


class SceneFileError(GoldenError):
    """A scene file cannot be read; the message names file and key, what was got and what was expected."""

    default_reason = "SCENE_FILE"


class NoFrameError(GoldenError):
    """The folder of frames has none for a scene, or there is nobody who could draw it."""

    default_reason = "NO_FRAME"


class PictureError(GoldenError):
    """A PNG is missing, damaged, too large, or of a mode that cannot be compared."""

    default_reason = "PICTURE"


class PictureShapeError(GoldenError):
    """Two pictures differ in size, channels or depth, so that no pixel of one belongs to one of the other."""

    default_reason = "PICTURE_SHAPE"


class MaskError(GoldenError):
    """A mask does not fit its picture, or leaves nothing to compare."""

    default_reason = "MASK"


class ChangedReferenceError(GoldenError):
    """An accepted picture no longer has the checksum with which it was accepted."""

    default_reason = "CHANGED_REFERENCE"


class ReportError(GoldenError):
    """There is no report of a run, or a picture is no longer the one that the report is about."""

    default_reason = "REPORT"


class MissingExtraError(GoldenError):
    """The packages of the extra `testing` are not installed."""

    default_reason = "MISSING_EXTRA"
