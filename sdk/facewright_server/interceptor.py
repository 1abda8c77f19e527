"""Around every call: a request id, a log line, and the one place where errors become statuses."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

from facewright_models.errors import FacewrightError
from facewright_server.logs import REQUEST_ID
from facewright_server.status import internal_status, status_of

__all__ = ["REQUEST_ID_HEADER", "CallInterceptor"]

REQUEST_ID_HEADER = "x-request-id"
_ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
UnaryHandler = Callable[[Any, Any], Awaitable[Any]]
StreamHandler = Callable[[Any, Any], AsyncGenerator[Any, None]]

_OUR_METHODS = "/facewright."
_log = logging.getLogger(__name__)


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Health and reflection pass through untouched."""

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        """Wrap the handler of the method, if it is one of ours."""
        handler = await continuation(handler_call_details)
        method: str = handler_call_details.method
        if handler is None or not method.startswith(_OUR_METHODS):
            return handler
        coding = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(_streaming(method, handler.unary_stream), **coding)
        return grpc.unary_unary_rpc_method_handler(_unary(method, handler.unary_unary), **coding)


def _unary(
    method: str, behaviour: Callable[[Any, Any], Awaitable[Any]]
) -> Callable[[Any, Any], Awaitable[Any]]:
    async def call(request: Any, context: grpc.aio.ServicerContext) -> Any:
        record = _CallRecord(method, request, context)
        await record.greet(context)
        try:
            answer = await behaviour(request, context)
        except BaseException as error:
            await record.fail(error, context)
            raise
        record.count(answer)
        record.finish("OK")
        return answer

    return call


def _streaming(method: str, behaviour: StreamHandler) -> StreamHandler:
    async def call(request: Any, context: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
        record = _CallRecord(method, request, context)
        await record.greet(context)
        try:
            async with aclosing(behaviour(request, context)) as answers:
                async for answer in answers:
                    record.count(answer)
                    yield answer
        except BaseException as error:
            await record.fail(error, context)
            raise
        record.finish("OK")

    return call


class _CallRecord:
    """What the log line of one call says."""

    def __init__(self, method: str, request: Any, context: grpc.aio.ServicerContext) -> None:
        self._method = method
        self._request_bytes = request.ByteSize()
        self._answer_bytes = 0
        self._answer_count = 0
        self._started = time.monotonic()
        self._request_id = _request_id(context)
        REQUEST_ID.set(self._request_id)

    async def greet(self, context: grpc.aio.ServicerContext) -> None:
        """Tell the client the id at once."""
        await context.send_initial_metadata(((REQUEST_ID_HEADER, self._request_id),))

    def count(self, answer: Any) -> None:
        self._answer_bytes += answer.ByteSize()
        self._answer_count += 1

    def finish(self, code: str, *, reason: str = "") -> None:
        _log.info(
            "call",
            extra={
                "method": self._method,
                "code": code,
                **({"reason": reason} if reason else {}),
                "ms": round((time.monotonic() - self._started) * 1000, 1),
                "request_bytes": self._request_bytes,
                "answer_bytes": self._answer_bytes,
                "answers": self._answer_count,
            },
        )

    async def fail(self, error: BaseException, context: grpc.aio.ServicerContext) -> None:
        """End the call with a status; returns only for what is not an error of the call itself."""
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            self.finish("CANCELLED")
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
            return
        self.finish(_code_name(status), reason=reason)
        answer = rpc_status.to_status(status)
        await context.abort(answer.code, answer.details, answer.trailing_metadata)


def _code_name(status: status_pb2.Status) -> str:
    return next(str(code.name) for code in grpc.StatusCode if code.value[0] == status.code)


def _request_id(context: grpc.aio.ServicerContext) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_HEADER and isinstance(value, str) and _ACCEPTED_REQUEST_ID.fullmatch(value):
            return str(value)
    return uuid.uuid4().hex
