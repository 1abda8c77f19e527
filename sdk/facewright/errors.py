"""Every error of the client, one class per thing a caller can act on.

FacewrightError                 message, reason, metadata, field_violations, request_id
├── InvalidInputError           the request can never work as it is
│   ├── InvalidImageError       INVALID_IMAGE           not an image, truncated, empty
│   ├── ImageTooLargeError      IMAGE_TOO_LARGE         too many pixels
│   ├── InvalidMediaError       INVALID_MEDIA           neither image nor video, or a damaged video
│   ├── NoFaceError             NO_FACE
│   ├── FaceTooSmallError       FACE_TOO_SMALL
│   ├── UnknownParameterError   UNKNOWN_PARAMETER       slider, style, colour or facial action
│   ├── ParameterRangeError     PARAMETER_OUT_OF_RANGE  NaN, or outside its range
│   ├── RigVersionError         RIG_VERSION             the character cannot be brought to this version
│   ├── SkinTextureError        SKIN_TEXTURE            the file of a character's own skin is missing or no skin
│   ├── MessageTooLargeError    MESSAGE_TOO_LARGE, REQUEST_TOO_LARGE, ANSWER_TOO_LARGE
│   ├── CharacterFileError      INVALID_CHARACTER_FILE  a save file that cannot be read
│   ├── ClipFileError           INVALID_CLIP_FILE       a clip that cannot be read
│   └── MotionFileError         INVALID_MOTION_FILE     a motion that cannot be read
├── UnknownRigError             UNKNOWN_RIG
├── NoImitatorError             NO_IMITATOR             the rig can be drawn, but no photo can be fitted to it yet
├── UnknownMediaError           UNKNOWN_MEDIA           no such file, or not one's own
├── UnknownOperationError       UNKNOWN_OPERATION       no such operation, or not one's own
├── OperationNotDoneError       OPERATION_NOT_DONE      it has to be done, or cancelled, first
├── UploadConflictError         UPLOAD_CONFLICT         another offset, or bytes that do not match the checksum
├── RequestReusedError          REQUEST_ID_REUSED       the request_id was used for a different request
├── QuotaError                  QUOTA                   as much as one client may have
├── UnauthenticatedError        UNAUTHENTICATED         no token, or one that is not known
├── ServerUnavailableError      nobody answers, or the server went away during the call
├── ServerBusyError             QUEUE_FULL, RATE_LIMIT; `retry_delay_secs` says when to try again
├── StorageError                STORAGE                 the server's disk is full, read-only or damaged
├── RenderUnavailableError      RENDER_UNAVAILABLE      the server has no graphics driver
├── DeadlineError               the time was over before the answer came
├── CallCancelledError          the call was cancelled, by this side or by the server
│   └── OperationCancelledError OPERATION_CANCELLED     the operation was; it has no result
└── ServerError                 the server failed; its log has the details under `request_id`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = [
    "CallCancelledError",
    "CharacterFileError",
    "ClipFileError",
    "DeadlineError",
    "FaceTooSmallError",
    "FacewrightError",
    "FieldViolation",
    "ImageTooLargeError",
    "InvalidImageError",
    "InvalidInputError",
    "InvalidMediaError",
    "MessageTooLargeError",
    "MotionFileError",
    "NoFaceError",
    "NoImitatorError",
    "OperationCancelledError",
    "OperationNotDoneError",
    "ParameterRangeError",
    "QuotaError",
    "RenderUnavailableError",
    "RequestReusedError",
    "RigVersionError",
    "ServerBusyError",
    "ServerError",
    "ServerUnavailableError",
    "SkinTextureError",
    "StorageError",
    "UnauthenticatedError",
    "UnknownMediaError",
    "UnknownOperationError",
    "UnknownParameterError",
    "UnknownRigError",
    "UploadConflictError",
]


@dataclass(frozen=True)
class FieldViolation:
    """One field of the request, as a path like ``subjects[0].photos[1]``, and what is wrong with it."""

    field: str
    description: str


class FacewrightError(Exception):
    """Base of every error this package raises on purpose.

    `reason` is a stable UPPER_SNAKE word for programs, `metadata` has the numbers of the message as text and
    `request_id` finds the call in the log of the server (empty when the server was not asked).
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        field_violations: Sequence[FieldViolation] = (),
        request_id: str = "",
        retry_delay_secs: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.field_violations = tuple(field_violations)
        self.request_id = request_id
        self.retry_delay_secs = retry_delay_secs


class InvalidInputError(FacewrightError):
    """Sending the same again gives the same answer."""


class InvalidImageError(InvalidInputError):
    """The bytes of a photo are empty, no image, or cut short."""


class ImageTooLargeError(InvalidInputError):
    """A photo has more pixels than the server accepts."""


class InvalidMediaError(InvalidInputError):
    """The bytes of a file are neither an image nor a video, or a damaged video."""


class NoFaceError(InvalidInputError):
    """No face was found."""


class FaceTooSmallError(InvalidInputError):
    """The face covers too few pixels."""


class UnknownParameterError(InvalidInputError):
    """The rig has no slider, style, option, colour or facial action of that name."""


class ParameterRangeError(InvalidInputError):
    """A number is NaN or outside its range."""


class RigVersionError(InvalidInputError):
    """The character belongs to a version of the rig that cannot be brought to the present one."""


class SkinTextureError(InvalidInputError):
    """The character names a skin texture that is not among one's media on the server, or a file that is none."""


class MessageTooLargeError(InvalidInputError):
    """The request or its answer is larger than a message may be."""


class CharacterFileError(InvalidInputError):
    """A save file that is no protobuf JSON of a character."""


class ClipFileError(InvalidInputError):
    """The file is not a clip."""


class MotionFileError(InvalidInputError):
    """The file is not a motion of an expression."""


class UnknownRigError(FacewrightError):
    """The server has no rig of that name."""


class NoImitatorError(FacewrightError):
    """The rig has no trained imitator: its characters can be drawn and exported, not fitted."""


class UnknownMediaError(FacewrightError):
    """No such file, or not one of this client, or one whose time is over."""


class UnknownOperationError(FacewrightError):
    """No such operation, or not one of this client, or one whose time is over."""


class OperationNotDoneError(FacewrightError):
    """What was asked for needs an operation that is done; wait for it, or cancel it first."""


class UploadConflictError(FacewrightError):
    """The bytes do not continue the upload, or do not have the checksum that was announced."""


class RequestReusedError(FacewrightError):
    """The request id belongs to an earlier, different request."""


class QuotaError(FacewrightError):
    """The client has as many bytes, calls or operations as it may have; delete some, or ask for more."""


class UnauthenticatedError(FacewrightError):
    """The call carries no token, or one that the server does not know."""


class ServerUnavailableError(FacewrightError):
    """Nobody answers at the address, or the server went away during the call."""


class ServerBusyError(FacewrightError):
    """Too many calls are waiting; try again after `retry_delay_secs`."""


class StorageError(FacewrightError):
    """The database or the folder of media of the server cannot be written or read now; nothing was changed."""


class RenderUnavailableError(FacewrightError):
    """The server has no graphics driver; the message names the packages to install there."""


class DeadlineError(FacewrightError):
    """The time was over before the answer came."""


class CallCancelledError(FacewrightError):
    """The call was cancelled."""


class OperationCancelledError(CallCancelledError):
    """The operation was cancelled and has no result."""


class ServerError(FacewrightError):
    """The server failed in a way it does not explain to clients."""
