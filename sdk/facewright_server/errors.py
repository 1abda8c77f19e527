"""Errors of serving itself; what a fit or a render can raise is in `facewright_models.errors`.

facewright_models.errors.FacewrightError
├── QueueFullError         QUEUE_FULL           too many calls are waiting; says when to try again
├── WorkTimeoutError       TIME_LIMIT           deadline of the caller, or limit of the server
├── ShuttingDownError      SHUTTING_DOWN        the server is about to leave
├── AnswerTooLargeError    ANSWER_TOO_LARGE     the answer does not fit into one message
├── StorageError           STORAGE              the domain's, here of database and media folder too
├── UnknownMediaError      UNKNOWN_MEDIA        no such file, or not one's own
├── UnknownOperationError  UNKNOWN_OPERATION    no such operation, or not one's own
├── OperationNotDoneError  OPERATION_NOT_DONE   an operation that still runs cannot be deleted
├── OperationCancelledError OPERATION_CANCELLED what a cancelled operation ends with
├── ItemAbandonedError     ITEM_ABANDONED       an item of a job ended its worker every time it was tried
├── UploadConflictError    UPLOAD_CONFLICT      another offset, or bytes that do not match the checksum
├── RequestReusedError     REQUEST_ID_REUSED    the request_id was used for a different request
├── QuotaError             QUOTA                the client has as much as it may have
├── RateLimitError         RATE_LIMIT           the client calls too often; says when to try again
├── UnauthenticatedError   UNAUTHENTICATED      no token, or one that is not known
├── RequestTooLargeError   REQUEST_TOO_LARGE    a message is larger than messages may be
├── UnknownMethodError     UNKNOWN_METHOD       the server has no such method
└── InvalidRequestError    INVALID_REQUEST      a field of the request itself is missing or malformed

ConfigError                                     the server cannot start like this (never sent to a client)
"""

from typing import ClassVar

from facewright_models.errors import FacewrightError, InvalidInputError, StorageError

__all__ = [
    "AnswerTooLargeError",
    "ConfigError",
    "InvalidRequestError",
    "ItemAbandonedError",
    "OperationCancelledError",
    "OperationNotDoneError",
    "QueueFullError",
    "QuotaError",
    "RateLimitError",
    "RequestReusedError",
    "RequestTooLargeError",
    "ShuttingDownError",
    "StorageError",
    "UnauthenticatedError",
    "UnknownMediaError",
    "UnknownMethodError",
    "UnknownOperationError",
    "UploadConflictError",
    "WorkTimeoutError",
]


class ConfigError(Exception):
    """A setting that is unknown, malformed or not allowed; the message names it."""


class QueueFullError(FacewrightError):
    """As many calls are waiting as the server lets wait."""

    reason: ClassVar[str] = "QUEUE_FULL"

    def __init__(self, message: str, *, retry_delay_secs: float) -> None:
        super().__init__(message, metadata={"retry_delay_secs": f"{retry_delay_secs:.1f}"})
        self.retry_delay_secs = retry_delay_secs


class WorkTimeoutError(FacewrightError):
    """The time given to the work was over before it was done."""

    reason: ClassVar[str] = "TIME_LIMIT"


class ShuttingDownError(FacewrightError):
    """The server is stopping and takes no new work."""

    reason: ClassVar[str] = "SHUTTING_DOWN"


class AnswerTooLargeError(FacewrightError):
    """The answer is larger than a message may be."""

    reason: ClassVar[str] = "ANSWER_TOO_LARGE"


class UnknownMediaError(FacewrightError):
    """No such file, or not one of this client: which of the two is not told."""

    reason: ClassVar[str] = "UNKNOWN_MEDIA"


class UnknownOperationError(FacewrightError):
    """No such operation, or not one of this client."""

    reason: ClassVar[str] = "UNKNOWN_OPERATION"


class OperationNotDoneError(FacewrightError):
    """The operation has to end, or to be cancelled, before it can be deleted."""

    reason: ClassVar[str] = "OPERATION_NOT_DONE"


class OperationCancelledError(FacewrightError):
    """What an operation ends with when it was cancelled."""

    reason: ClassVar[str] = "OPERATION_CANCELLED"


class ItemAbandonedError(FacewrightError):
    """An item of a job whose worker process ended every time it was tried."""

    reason: ClassVar[str] = "ITEM_ABANDONED"


class UploadConflictError(FacewrightError):
    """The bytes do not continue the upload, or do not have the announced checksum."""

    reason: ClassVar[str] = "UPLOAD_CONFLICT"


class RequestReusedError(FacewrightError):
    """The request_id belongs to an earlier, different request."""

    reason: ClassVar[str] = "REQUEST_ID_REUSED"


class QuotaError(FacewrightError):
    """The client has as many bytes, calls or operations as it may have."""

    reason: ClassVar[str] = "QUOTA"


class RateLimitError(QueueFullError):
    """The client calls too often."""

    reason: ClassVar[str] = "RATE_LIMIT"


class UnauthenticatedError(FacewrightError):
    """The call carries no token, or one that is not known."""

    reason: ClassVar[str] = "UNAUTHENTICATED"


class RequestTooLargeError(FacewrightError):
    """A message of the request is larger than a message may be; nothing of it was used."""

    reason: ClassVar[str] = "REQUEST_TOO_LARGE"


class UnknownMethodError(FacewrightError):
    """The call names a method that this server does not have."""

    reason: ClassVar[str] = "UNKNOWN_METHOD"


class InvalidRequestError(InvalidInputError):
    """A field of the request is missing, empty, or has more entries than allowed."""

    reason: ClassVar[str] = "INVALID_REQUEST"
