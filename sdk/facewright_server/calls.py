"""What is kept of one call while it runs: its id, sizes, time and code, told to log, metrics and trace once."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Iterable
from typing import Any

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

from facewright_models.errors import FacewrightError
from facewright_server.logs import REQUEST_ID
from facewright_server.status import internal_status, status_of
from facewright_server.telemetry.metrics import METRICS
from facewright_server.telemetry.tracing import call_span

__all__ = ["REQUEST_ID_HEADER", "CallRecord"]

REQUEST_ID_HEADER = "x-request-id"
_ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_log = logging.getLogger(__name__)


class CallRecord:
    """Begins with the call. Ends with exactly one of `succeed` and `fail`."""

    def __init__(self, method: str, metadata: Iterable[tuple[str, Any]], *, is_routine: bool = False) -> None:
        """`is_routine` calls, such as health, are logged for debugging only."""
        metadata = tuple(metadata)
        self.client = ""
        self._method = method
        self._level = logging.DEBUG if is_routine else logging.INFO
        self._request_bytes = 0
        self._answer_bytes = 0
        self._answer_count = 0
        self._started = time.monotonic()
        self._request_id = _request_id(metadata)
        REQUEST_ID.set(self._request_id)
        self._span = call_span(method, metadata)
        METRICS.call_started(method)

    async def greet(self, context: grpc.aio.ServicerContext) -> None:
        """Tell the client the id at once."""
        await context.send_initial_metadata(((REQUEST_ID_HEADER, self._request_id),))

    def count_request(self, size_bytes: int) -> None:
        """A message has come."""
        self._request_bytes += size_bytes

    def count_answer(self, size_bytes: int) -> None:
        """A message is sent."""
        self._answer_bytes += size_bytes
        self._answer_count += 1

    def succeed(self, context: grpc.aio.ServicerContext) -> None:
        """The handler has returned; OK unless it set another code itself."""
        self._finish(context.code() or grpc.StatusCode.OK)

    async def fail(self, error: BaseException, context: grpc.aio.ServicerContext) -> None:
        """End the call with a status; returns only for what is not an error of the call itself."""
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            self._finish(_code_of_leaving(context))
            return
        if isinstance(error, grpc.aio.BaseError):  # aborted by the handler, or the connection is gone
            self._finish(context.code() or grpc.StatusCode.CANCELLED)
            return
        if isinstance(error, FacewrightError):
            status = status_of(error, request_id=self._request_id)
            reason = error.reason
            if status.code == grpc.StatusCode.INTERNAL.value[0]:
                _log.error("call failed: %s", error, extra={"method": self._method}, exc_info=error)
        elif isinstance(error, Exception):
            status = internal_status(request_id=self._request_id)
            reason = "INTERNAL"
            _log.error("unexpected exception", extra={"method": self._method}, exc_info=error)
        else:
            self._finish(grpc.StatusCode.INTERNAL)
            return
        self._finish(_code_of(status), reason=reason)
        answer = rpc_status.to_status(status)
        await context.abort(answer.code, answer.details, answer.trailing_metadata)

    def _finish(self, code: grpc.StatusCode, *, reason: str = "") -> None:
        secs = time.monotonic() - self._started
        METRICS.call_finished(self._method, code.name, secs)
        _log.log(
            self._level,
            "call",
            extra={
                "method": self._method,
                "client": self.client,
                "code": code.name,
                **({"reason": reason} if reason else {}),
                "ms": round(secs * 1000, 1),
                "request_bytes": self._request_bytes,
                "answer_bytes": self._answer_bytes,
                "answers": self._answer_count,
            },
        )
        self._span.end(code.value[0], reason=reason)


def _code_of_leaving(context: grpc.aio.ServicerContext) -> grpc.StatusCode:
    is_late = context.time_remaining() == 0
    return grpc.StatusCode.DEADLINE_EXCEEDED if is_late else grpc.StatusCode.CANCELLED


def _code_of(status: status_pb2.Status) -> grpc.StatusCode:
    return next(code for code in grpc.StatusCode if code.value[0] == status.code)


def _request_id(metadata: Iterable[tuple[str, Any]]) -> str:
    for key, value in metadata:
        if key == REQUEST_ID_HEADER and isinstance(value, str) and _ACCEPTED_REQUEST_ID.fullmatch(value):
            return value
    return uuid.uuid4().hex
