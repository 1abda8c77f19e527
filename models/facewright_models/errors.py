"""Every error the domain raises on purpose, one class per thing a caller can act on.

    FacewrightError
    ├── InvalidInputError          the caller sent something that cannot be used
    │   ├── InvalidImageError      INVALID_IMAGE           not an image, truncated, empty
    │   ├── ImageTooLargeError     IMAGE_TOO_LARGE         refused before it is decoded
    │   ├── InvalidMediaError      INVALID_MEDIA           neither image nor video, or a damaged video
    │   ├── NoFaceError            NO_FACE
    │   ├── FaceTooSmallError      FACE_TOO_SMALL
    │   ├── UnknownParameterError  UNKNOWN_PARAMETER       slider, style slot or option, colour, facial action
    │   ├── ParameterRangeError    PARAMETER_OUT_OF_RANGE  NaN, or outside the allowed interval
    │   ├── SkinTextureError       SKIN_TEXTURE            the file of a character's own skin is missing or not usable
    │   └── RigVersionError        RIG_VERSION             saved for a rig version that cannot be migrated
    ├── UnknownRigError            UNKNOWN_RIG
    ├── NoImitatorError            NO_IMITATOR             the rig can be drawn, but nothing is fitted to it yet
    ├── FitCancelledError          FIT_CANCELLED
    ├── WeightsError               WEIGHTS_UNUSABLE        file missing or altered
    ├── RenderUnavailableError     RENDER_UNAVAILABLE      no EGL driver on this machine
    └── StorageError               STORAGE                 the disk is full, read-only or damaged

A message says what was got, what was expected and what to do. Nothing here knows about gRPC: the server keeps
the one table from these classes to status codes.
"""

from collections.abc import Mapping
from typing import ClassVar

__all__ = [
    "FaceTooSmallError",
    "FacewrightError",
    "FitCancelledError",
    "ImageTooLargeError",
    "InvalidImageError",
    "InvalidInputError",
    "InvalidMediaError",
    "NoFaceError",
    "NoImitatorError",
    "ParameterRangeError",
    "RenderUnavailableError",
    "RigVersionError",
    "SkinTextureError",
    "StorageError",
    "UnknownParameterError",
    "UnknownRigError",
    "WeightsError",
]


class FacewrightError(Exception):
    """Base of every error raised on purpose.

    `reason` is a stable UPPER_SNAKE word for programs, `field` names the input at fault (dotted path, as the
    caller spelled it) and `metadata` carries the numbers of the message as strings.
    """

    reason: ClassVar[str] = "INTERNAL"
    field: str | None
    metadata: dict[str, str]

    def __init__(
        self, message: str, *, field: str | None = None, metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.field = field
        self.metadata = dict(metadata or {})


class InvalidInputError(FacewrightError):
    """The caller sent something that cannot be used; sending it again gives the same answer."""

    reason: ClassVar[str] = "INVALID_INPUT"


class InvalidImageError(InvalidInputError):
    """The bytes are empty, no image at all, an image format that is not accepted, or cut short."""

    reason: ClassVar[str] = "INVALID_IMAGE"


class ImageTooLargeError(InvalidInputError):
    """The header announces more pixels than are accepted; nothing was decoded."""

    reason: ClassVar[str] = "IMAGE_TOO_LARGE"


class InvalidMediaError(InvalidInputError):
    """The file is neither an image nor a video that is accepted, or a video that is damaged or cut short."""

    reason: ClassVar[str] = "INVALID_MEDIA"


class NoFaceError(InvalidInputError):
    """No face was found in the photo, or none inside the box that was given."""

    reason: ClassVar[str] = "NO_FACE"


class FaceTooSmallError(InvalidInputError):
    """The face covers too few pixels to read parameters from."""

    reason: ClassVar[str] = "FACE_TOO_SMALL"


class UnknownParameterError(InvalidInputError):
    """A slider, style slot, style option, colour or facial action that the rig does not have."""

    reason: ClassVar[str] = "UNKNOWN_PARAMETER"


class ParameterRangeError(InvalidInputError):
    """A number that is NaN or outside its allowed interval."""

    reason: ClassVar[str] = "PARAMETER_OUT_OF_RANGE"


class RigVersionError(InvalidInputError):
    """A character that was saved for a rig version which cannot be brought to the present one."""

    reason: ClassVar[str] = "RIG_VERSION"


class SkinTextureError(InvalidInputError):
    """A character names a skin texture whose file is missing, or the file is not one."""

    reason: ClassVar[str] = "SKIN_TEXTURE"


class UnknownRigError(FacewrightError):
    """No rig of that name is installed."""

    reason: ClassVar[str] = "UNKNOWN_RIG"


class NoImitatorError(FacewrightError):
    """The rig has no trained imitator: its characters can be drawn and exported, not fitted."""

    reason: ClassVar[str] = "NO_IMITATOR"


class FitCancelledError(FacewrightError):
    """The caller asked for the work to stop, or went away."""

    reason: ClassVar[str] = "FIT_CANCELLED"


class WeightsError(FacewrightError):
    """A weight file is missing, altered or not described in weights.toml."""

    reason: ClassVar[str] = "WEIGHTS_UNUSABLE"


class RenderUnavailableError(FacewrightError):
    """No EGL context can be opened on this machine; the message names the packages to install."""

    reason: ClassVar[str] = "RENDER_UNAVAILABLE"


class StorageError(FacewrightError):
    """What was to be written or read now cannot be: the disk is full, read-only or damaged; nothing was changed."""

    reason: ClassVar[str] = "STORAGE"
