"""Ended gRPC calls, and the failures that operations report -> the errors of this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from facewright import errors

__all__ = ["ERROR_DOMAIN", "error_of", "error_of_status"]

ERROR_DOMAIN = "facewright.dev"

_DETAILS_KEY = "grpc-status-details-bin"
_BY_REASON: Mapping[str, type[errors.FacewrightError]] = {
    "INVALID_IMAGE": errors.InvalidImageError,
    "IMAGE_TOO_LARGE": errors.ImageTooLargeError,
    "INVALID_MEDIA": errors.InvalidMediaError,
    "NO_FACE": errors.NoFaceError,
    "FACE_TOO_SMALL": errors.FaceTooSmallError,
    "UNKNOWN_PARAMETER": errors.UnknownParameterError,
    "PARAMETER_OUT_OF_RANGE": errors.ParameterRangeError,
    "RIG_VERSION": errors.RigVersionError,
    "SKIN_TEXTURE": errors.SkinTextureError,
    "REQUEST_TOO_LARGE": errors.MessageTooLargeError,
    "ANSWER_TOO_LARGE": errors.MessageTooLargeError,
    "UNKNOWN_RIG": errors.UnknownRigError,
    "NO_IMITATOR": errors.NoImitatorError,
    "UNKNOWN_MEDIA": errors.UnknownMediaError,
    "UNKNOWN_OPERATION": errors.UnknownOperationError,
    "OPERATION_NOT_DONE": errors.OperationNotDoneError,
    "OPERATION_CANCELLED": errors.OperationCancelledError,
    "UPLOAD_CONFLICT": errors.UploadConflictError,
    "REQUEST_ID_REUSED": errors.RequestReusedError,
    "QUOTA": errors.QuotaError,
    "UNAUTHENTICATED": errors.UnauthenticatedError,
    "STORAGE": errors.StorageError,
    "QUEUE_FULL": errors.ServerBusyError,
    "RATE_LIMIT": errors.ServerBusyError,
    "RENDER_UNAVAILABLE": errors.RenderUnavailableError,
}
_BY_CODE: Mapping[grpc.StatusCode, type[errors.FacewrightError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidInputError,
    grpc.StatusCode.OUT_OF_RANGE: errors.InvalidInputError,
    grpc.StatusCode.NOT_FOUND: errors.InvalidInputError,
    # Ours carry a reason; without one it is gRPC's own refusal of a message over the limit.
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.MessageTooLargeError,
    grpc.StatusCode.UNAUTHENTICATED: errors.UnauthenticatedError,
    grpc.StatusCode.UNAVAILABLE: errors.ServerUnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineError,
    grpc.StatusCode.CANCELLED: errors.CallCancelledError,
}
_Detail = TypeVar("_Detail")


def error_of(ended: Any) -> errors.FacewrightError:
    """The error of a call that ended badly, synchronous or not."""
    return _ours(_rich_status(ended), ended.code()) or _BY_CODE.get(ended.code(), errors.ServerError)(
        _foreign_message(ended), reason=ended.code().name
    )


def error_of_status(status: status_pb2.Status) -> errors.FacewrightError:
    """The error of a piece of work that failed, as an answer reports it."""
    code = next((code for code in grpc.StatusCode if code.value[0] == status.code), grpc.StatusCode.UNKNOWN)
    return _ours(status, code) or _BY_CODE.get(code, errors.ServerError)(status.message, reason=code.name)


def _ours(status: status_pb2.Status, code: grpc.StatusCode) -> errors.FacewrightError | None:
    """None for a status that the server's own code did not write."""
    info = _detail(status, error_details_pb2.ErrorInfo)
    if info is None or info.domain != ERROR_DOMAIN:
        return None
    cls = _BY_REASON.get(info.reason) or _BY_CODE.get(code, errors.ServerError)
    bad_request = _detail(status, error_details_pb2.BadRequest)
    request_info = _detail(status, error_details_pb2.RequestInfo)
    retry_info = _detail(status, error_details_pb2.RetryInfo)
    return cls(
        status.message,
        reason=info.reason,
        metadata=dict(info.metadata),
        field_violations=[
            errors.FieldViolation(violation.field, violation.description)
            for violation in (bad_request.field_violations if bad_request else ())
        ],
        request_id=request_info.request_id if request_info else "",
        retry_delay_secs=retry_info.retry_delay.ToMilliseconds() / 1000 if retry_info else None,
    )


def _foreign_message(ended: Any) -> str:
    """For an end that gRPC itself announces, which says little to a person."""
    details = " ".join((ended.details() or ended.code().name).split())
    return {
        grpc.StatusCode.UNAVAILABLE: f"the server does not answer or went away ({details})",
        grpc.StatusCode.DEADLINE_EXCEEDED: "the time was over before the answer came; give it more time",
        grpc.StatusCode.UNIMPLEMENTED: f"the server is of another version ({details})",
    }.get(ended.code(), details)


def _rich_status(ended: Any) -> status_pb2.Status:
    trailers = {str(key): value for key, value in ended.trailing_metadata() or ()}
    try:
        return status_pb2.Status.FromString(trailers.get(_DETAILS_KEY, b""))
    except DecodeError:
        return status_pb2.Status()


def _detail(status: status_pb2.Status, cls: type[_Detail]) -> Any | None:
    for packed in status.details:
        message: Any = cls()
        if packed.Unpack(message):
            return message
    return None
