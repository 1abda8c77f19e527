"""Calls of any method with any bytes, and whether their status says what the service promises it says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from facewright_server.status import ERROR_DOMAIN

_DETAILS_KEY = "grpc-status-details-bin"
_LOST = "Internal error from Core"
_RETRY_REASONS = ("QUEUE_FULL", "RATE_LIMIT")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a call ended."""

    code: grpc.StatusCode
    secs: float
    reason: str = ""  # of its ErrorInfo
    retry_delay_secs: float | None = None
    flaw: str = ""  # what is missing in the details of an error
    text: str = ""
    messages: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def is_lost(self) -> bool:
        """Whether the calling library (grpc.aio) made up the status: a call ended while it was sending."""
        return self.code is grpc.StatusCode.INTERNAL and self.text == _LOST

    @property
    def is_ok(self) -> bool:
        return self.code is grpc.StatusCode.OK


async def send(
    channel: grpc.aio.Channel,
    path: str | bytes,
    messages: Sequence[bytes],
    *,
    timeout_secs: float,
    metadata: Sequence[tuple[str, str | bytes]] = (),
    leave_after_secs: float | None = None,
) -> Answer:
    """Call `path`, whatever its kind: on the wire all kinds are streams of messages.

    With `leave_after_secs` the stream of messages is not ended; the call is cancelled after this time.
    """
    started = time.perf_counter()
    received: list[bytes] = []
    call: Any = None
    try:
        options = {"timeout": timeout_secs, "metadata": tuple(metadata) or None}
        if len(messages) == 1 and leave_after_secs is None:  # message and end go out together
            call = channel.unary_stream(path)(messages[0], **options)
        else:
            call = channel.stream_stream(path)(_stream(messages, ends=leave_after_secs is None), **options)
        if leave_after_secs is None:
            received.extend([message async for message in call])
        else:
            await asyncio.sleep(leave_after_secs)
            call.cancel()
        code = await call.code()
    except grpc.aio.AioRpcError as error:
        return _failed(error, time.perf_counter() - started)
    except asyncio.CancelledError:
        if call is None or not call.cancelled() or _is_asked_to_end():
            raise
        code = grpc.StatusCode.CANCELLED
    return Answer(code=code, secs=time.perf_counter() - started, messages=tuple(received))


def _is_asked_to_end() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _stream(messages: Sequence[bytes], *, ends: bool) -> AsyncIterator[bytes]:
    for message in messages:
        yield message
    if not ends:
        await asyncio.sleep(60)


def _failed(error: grpc.aio.AioRpcError, secs: float) -> Answer:
    raw = dict(error.trailing_metadata() or ()).get(_DETAILS_KEY)
    text = (error.details() or "")[:200]
    if raw is None:
        return Answer(code=error.code(), secs=secs, flaw="no details", text=text)
    try:
        status = status_pb2.Status.FromString(raw)
    except DecodeError:
        return Answer(code=error.code(), secs=secs, flaw="details that are no status", text=text)
    found: dict[str, Any] = {}
    for packed in status.details:
        kind = getattr(error_details_pb2, packed.type_url.rpartition(".")[2], None)
        if kind is not None:
            found[kind.DESCRIPTOR.name] = kind.FromString(packed.value)
    info, retry = found.get("ErrorInfo"), found.get("RetryInfo")
    reason = info.reason if info is not None else ""
    return Answer(
        code=error.code(),
        secs=secs,
        reason=reason,
        retry_delay_secs=retry.retry_delay.ToMilliseconds() / 1000 if retry is not None else None,
        flaw=_flaw(error, status, found, reason),
        text=text,
    )


def _flaw(error: grpc.aio.AioRpcError, status: Any, found: dict[str, Any], reason: str) -> str:
    if not reason:
        return "no ErrorInfo"
    if found["ErrorInfo"].domain != ERROR_DOMAIN:
        return f"a foreign domain, {found['ErrorInfo'].domain!r}"
    if status.code != error.code().value[0] or status.message != error.details():
        return "a status that differs from its details"
    if "RequestInfo" not in found:
        return "no RequestInfo"
    if reason in _RETRY_REASONS and "RetryInfo" not in found:
        return "no RetryInfo"
    return ""
