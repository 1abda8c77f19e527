"""The one table from error classes to gRPC status codes, and the details that every error carries."""

from typing import Final

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from facewright_models import errors as domain
from facewright_server import errors as serving

__all__ = ["ERROR_DOMAIN", "STATUS_CODES", "code_of", "internal_status", "status_of"]

ERROR_DOMAIN: Final = "facewright.dev"

STATUS_CODES: Final[dict[type[domain.FacewrightError], grpc.StatusCode]] = {
    domain.FacewrightError: grpc.StatusCode.INTERNAL,
    domain.InvalidInputError: grpc.StatusCode.INVALID_ARGUMENT,
    domain.InvalidImageError: grpc.StatusCode.INVALID_ARGUMENT,
    domain.ImageTooLargeError: grpc.StatusCode.INVALID_ARGUMENT,
    domain.InvalidMediaError: grpc.StatusCode.INVALID_ARGUMENT,
    domain.NoFaceError: grpc.StatusCode.INVALID_ARGUMENT,
    domain.FaceTooSmallError: grpc.StatusCode.INVALID_ARGUMENT,
    domain.UnknownParameterError: grpc.StatusCode.INVALID_ARGUMENT,
    domain.ParameterRangeError: grpc.StatusCode.INVALID_ARGUMENT,
    domain.RigVersionError: grpc.StatusCode.INVALID_ARGUMENT,
    domain.SkinTextureError: grpc.StatusCode.INVALID_ARGUMENT,
    domain.UnknownRigError: grpc.StatusCode.NOT_FOUND,
    domain.NoImitatorError: grpc.StatusCode.FAILED_PRECONDITION,
    domain.FitCancelledError: grpc.StatusCode.CANCELLED,
    domain.WeightsError: grpc.StatusCode.INTERNAL,
    domain.RenderUnavailableError: grpc.StatusCode.FAILED_PRECONDITION,
    domain.StorageError: grpc.StatusCode.UNAVAILABLE,
    serving.QueueFullError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    serving.WorkTimeoutError: grpc.StatusCode.DEADLINE_EXCEEDED,
    serving.ShuttingDownError: grpc.StatusCode.UNAVAILABLE,
    serving.AnswerTooLargeError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    serving.UnknownMediaError: grpc.StatusCode.NOT_FOUND,
    serving.UnknownOperationError: grpc.StatusCode.NOT_FOUND,
    serving.OperationNotDoneError: grpc.StatusCode.FAILED_PRECONDITION,
    serving.OperationCancelledError: grpc.StatusCode.CANCELLED,
    serving.ItemAbandonedError: grpc.StatusCode.INTERNAL,
    serving.UploadConflictError: grpc.StatusCode.FAILED_PRECONDITION,
    serving.RequestReusedError: grpc.StatusCode.ALREADY_EXISTS,
    serving.QuotaError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    serving.RateLimitError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    serving.UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    serving.RequestTooLargeError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    serving.UnknownMethodError: grpc.StatusCode.UNIMPLEMENTED,
    serving.InvalidRequestError: grpc.StatusCode.INVALID_ARGUMENT,
}

# A status travels in HTTP/2 headers, whose default limit is 8 KiB for all of them.
_MAX_MESSAGE_CHARS = 600
_MAX_VALUE_CHARS = 200
_MAX_METADATA_ENTRIES = 12


def code_of(error: domain.FacewrightError) -> grpc.StatusCode:
    """The code of the error's class, or of its nearest base in the table."""
    for cls in type(error).__mro__:
        if cls in STATUS_CODES:
            return STATUS_CODES[cls]
    return grpc.StatusCode.INTERNAL


def status_of(error: domain.FacewrightError, *, request_id: str) -> status_pb2.Status:
    """Code, message, and details: `ErrorInfo`, `RequestInfo`; `BadRequest`, `RetryInfo` if they apply."""
    code = code_of(error)
    message = _clip(str(error), _MAX_MESSAGE_CHARS)
    status = _status(code, message, reason=error.reason, request_id=request_id, metadata=error.metadata)
    if code is grpc.StatusCode.INVALID_ARGUMENT and error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=_clip(error.field, _MAX_VALUE_CHARS), description=message, reason=error.reason
        )
        _attach(status, error_details_pb2.BadRequest(field_violations=[violation]))
    if isinstance(error, serving.QueueFullError):
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(error.retry_delay_secs * 1000))
        _attach(status, error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def internal_status(*, request_id: str) -> status_pb2.Status:
    """What a caller is told about an exception nobody expected: where to look it up, not what it was."""
    message = f"internal error; the log of the server has the details under request id {request_id}"
    return _status(grpc.StatusCode.INTERNAL, message, reason="INTERNAL", request_id=request_id, metadata={})


def _status(
    code: grpc.StatusCode, message: str, *, reason: str, request_id: str, metadata: dict[str, str]
) -> status_pb2.Status:
    status = status_pb2.Status(code=code.value[0], message=message)
    shown = dict(list(metadata.items())[:_MAX_METADATA_ENTRIES])
    _attach(
        status,
        error_details_pb2.ErrorInfo(
            reason=reason,
            domain=ERROR_DOMAIN,
            metadata={_clip(key, 64): _clip(value, _MAX_VALUE_CHARS) for key, value in shown.items()},
        ),
    )
    _attach(status, error_details_pb2.RequestInfo(request_id=request_id))
    return status


def _attach(status: status_pb2.Status, detail: object) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)


def _clip(text: str, limit: int) -> str:
    # Half a surrogate pair, as a file name can hold, does not encode as UTF-8.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= limit else text[: limit - 1] + "…"
