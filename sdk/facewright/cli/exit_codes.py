"""What a command's exit code says.

0 done, 1 pictures differ (`facewright golden run` alone), 2 bad input, 3 server unavailable, 4 internal,
130 interrupted.
"""

from __future__ import annotations

from facewright import errors

__all__ = ["BAD_INPUT", "DIFFERENT", "DONE", "INTERNAL", "INTERRUPTED", "UNAVAILABLE", "exit_code"]

DONE, DIFFERENT, BAD_INPUT, UNAVAILABLE, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 130
_BAD_INPUT_ERRORS = (
    errors.InvalidInputError,
    errors.NoImitatorError,
    errors.UnknownRigError,
    errors.UnknownMediaError,
    errors.UnknownOperationError,
    errors.OperationNotDoneError,
    errors.UploadConflictError,
    errors.RequestReusedError,
    errors.QuotaError,
    errors.UnauthenticatedError,
    OSError,
)
_UNAVAILABLE_ERRORS = (
    errors.ServerUnavailableError,
    errors.ServerBusyError,
    errors.StorageError,
    errors.RenderUnavailableError,
    errors.DeadlineError,
    errors.CallCancelledError,
)


def exit_code(error: Exception | type[Exception]) -> int:
    """Of an error, or of its class, that ended a command."""
    kind = error if isinstance(error, type) else type(error)
    if issubclass(kind, _BAD_INPUT_ERRORS):
        return BAD_INPUT
    return UNAVAILABLE if issubclass(kind, _UNAVAILABLE_ERRORS) else INTERNAL
