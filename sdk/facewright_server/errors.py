"""Errors of serving itself; what a fit or a render can raise is in `facewright_models.errors`.

facewright_models.errors.FacewrightError
├── QueueFullError         QUEUE_FULL           too many calls are waiting; says when to try again
├── WorkTimeoutError       TIME_LIMIT           deadline of the caller, or limit of the server
├── ShuttingDownError      SHUTTING_DOWN        the server is about to leave
├── AnswerTooLargeError    ANSWER_TOO_LARGE     the answer does not fit into one message
└── InvalidRequestError    INVALID_REQUEST      a field of the request itself is missing or malformed

ConfigError                                     the server cannot start like this (never sent to a client)
"""

from typing import ClassVar

from facewright_models.errors import FacewrightError, InvalidInputError

__all__ = [
    "AnswerTooLargeError",
    "ConfigError",
    "InvalidRequestError",
    "QueueFullError",
    "ShuttingDownError",
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


class InvalidRequestError(InvalidInputError):
    """A field of the request is missing, empty, or has more entries than allowed."""

    reason: ClassVar[str] = "INVALID_REQUEST"
