"""Around every call: admission, a request id, a log line, and the one place where errors become statuses.

Every method is served to gRPC as a stream of bytes both ways. On the wire that is the same, and here it lets
a call be refused before its body is read, a body that is no message be answered with a typed error, and one
task see a call from its first byte to its status.
"""

import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, aclosing, nullcontext
from typing import Any, Final, NoReturn

import grpc

from facewright_server.calls import CallRecord
from facewright_server.errors import (
    AnswerTooLargeError,
    InvalidRequestError,
    RequestTooLargeError,
    UnknownMethodError,
)
from facewright_server.security.gate import Gate
from facewright_server.security.identity import ClientIdentity

__all__ = ["RECEIVE_HEADROOM", "Activity", "CallInterceptor"]

# gRPC itself refuses larger messages without details. Messages up to this many times the limit are received,
# measured and refused with them.
RECEIVE_HEADROOM: Final = 2

_OPEN_PREFIX = "/grpc.health."
_UNKNOWN_METHOD = "unknown"
RawCall = Callable[[Any, grpc.aio.ServicerContext], Awaitable[None]]


class Activity:
    """Whether anybody is being served; health does not count."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._quiet_since = time.monotonic()

    def idle_secs(self) -> float:
        """Time since the last call ended, or since the beginning; 0 while one runs."""
        return 0.0 if self.in_flight else time.monotonic() - self._quiet_since

    def __enter__(self) -> None:
        self.in_flight += 1

    def __exit__(self, *_: object) -> None:
        self.in_flight -= 1
        self._quiet_since = time.monotonic()


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Every call passes here, unknown methods and reflection included; health needs no token and has no limit."""

    def __init__(self, gate: Gate, *, max_message_bytes: int) -> None:
        self.activity = Activity()
        self._gate = gate
        self._max_message_bytes = max_message_bytes

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        """Put the handler of the method, or the refusal of an unknown one, behind the gate."""
        method: str = handler_call_details.method
        handler = await continuation(handler_call_details)
        return grpc.stream_stream_rpc_method_handler(
            self._wrap(method, handler), response_serializer=_serializer(handler)
        )

    def _wrap(self, method: str, handler: Any) -> RawCall:
        is_open = method.startswith(_OPEN_PREFIX)
        label = _UNKNOWN_METHOD if handler is None else method

        async def call(_: Any, context: grpc.aio.ServicerContext) -> None:
            metadata = context.invocation_metadata() or ()
            record = CallRecord(label, metadata, is_routine=is_open)
            try:
                with _nobody() if is_open else self._gate.admit(metadata) as client:
                    record.client = client.name
                    if handler is None:
                        _refuse_unknown(method)
                    await record.greet(context)
                    with nullcontext() if is_open else self.activity:
                        await self._serve(handler, record, context)
            except BaseException as error:
                await record.fail(error, context)
                raise
            record.succeed(context)

        return call

    async def _serve(self, handler: Any, record: CallRecord, context: grpc.aio.ServicerContext) -> None:
        incoming = _Incoming(handler, record, context, self._max_message_bytes)
        request: Any = incoming if handler.request_streaming else await incoming.only()
        behaviour = _behaviour(handler)
        if not handler.response_streaming:
            await self._send(await behaviour(request, context), handler, record, context)
        elif inspect.iscoroutinefunction(behaviour):  # writes to the context itself
            await behaviour(request, context)
        else:
            async with aclosing(behaviour(request, context)) as answers:
                async for answer in answers:
                    await self._send(answer, handler, record, context)

    async def _send(
        self, answer: Any, handler: Any, record: CallRecord, context: grpc.aio.ServicerContext
    ) -> None:
        content: bytes = handler.response_serializer(answer) if handler.response_serializer else answer
        if len(content) > self._max_message_bytes:
            raise AnswerTooLargeError(
                f"the answer has {len(content):,} bytes; messages have at most {self._max_message_bytes:,}; ask "
                "for less at a time",
                metadata={"bytes": str(len(content)), "max_bytes": str(self._max_message_bytes)},
            )
        record.count_answer(len(content))
        await context.write(content)


class _Incoming:
    """The messages of a call, measured and parsed one by one."""

    def __init__(
        self, handler: Any, record: CallRecord, context: grpc.aio.ServicerContext, max_bytes: int
    ) -> None:
        self._parse = handler.request_deserializer
        self._record = record
        self._context = context
        self._max_bytes = max_bytes

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        raw = await self._context.read()
        if raw is grpc.aio.EOF:
            raise StopAsyncIteration
        return self._parsed(raw)

    async def only(self) -> Any:
        """The message of a call that has one."""
        raw = await self._context.read()
        if raw is grpc.aio.EOF:
            raise InvalidRequestError("the call has no message; expected exactly one")
        return self._parsed(raw)

    def _parsed(self, raw: bytes) -> Any:
        self._record.count_request(len(raw))
        if len(raw) > self._max_bytes:
            raise RequestTooLargeError(
                f"the message has {len(raw):,} bytes; expected at most {self._max_bytes:,}; send less at a time, "
                "or upload large files as media",
                metadata={"bytes": str(len(raw)), "max_bytes": str(self._max_bytes)},
            )
        if self._parse is None:
            return raw
        try:
            return self._parse(raw)
        except Exception as error:
            raise InvalidRequestError(
                f"the {len(raw):,} bytes of the message are not what this method expects; send its request "
                "message, encoded as protobuf",
                metadata={"bytes": str(len(raw))},
            ) from error


def _refuse_unknown(method: str) -> NoReturn:
    raise UnknownMethodError(
        "this server has no such method; it may be of another version than the caller",
        metadata={"method": method},
    )


def _behaviour(handler: Any) -> Any:
    return next(
        behaviour
        for behaviour in (
            handler.unary_unary,
            handler.unary_stream,
            handler.stream_unary,
            handler.stream_stream,
        )
        if behaviour is not None
    )


def _serializer(handler: Any) -> Callable[[Any], bytes]:
    """Lets bytes through, so that only answers a handler writes by itself are encoded here."""

    def encode(answer: Any) -> bytes:
        if isinstance(answer, bytes):
            return answer
        content: bytes = handler.response_serializer(answer)
        return content

    return encode


def _nobody() -> AbstractContextManager[ClientIdentity]:
    return nullcontext(ClientIdentity(name=""))
