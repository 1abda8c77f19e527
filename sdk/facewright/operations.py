"""Work that outlives a call: started once, then waited for, found again by name, cancelled or deleted.

    operation = client.batch_fit(photos)
    print(operation.name)                       # enough to find it again, from anywhere, after any restart
    for item in operation.result():
        ...

`Operation` and `AsyncOperation` have the same methods, written once in their base as procedures.
"""

from __future__ import annotations

import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Generic, Protocol, TypeVar, Union

from google.longrunning import operations_pb2
from google.protobuf import duration_pb2

from facewright._calls import Call, Pause, Steps
from facewright._operation_kinds import OperationKind, StartedOperation
from facewright._signatures import as_method
from facewright._status import error_of_status
from facewright.batch_fitting import BATCH_FIT, BatchFitProgress
from facewright.errors import (
    DeadlineError,
    ServerError,
    ServerUnavailableError,
    StorageError,
)
from facewright.expression_videos import EXPRESSION_VIDEO, ExpressionVideoProgress

if TYPE_CHECKING:
    from typing_extensions import Concatenate, ParamSpec

    from facewright._awaited import AsyncWire
    from facewright._blocking import Wire

    P = ParamSpec("P")

__all__ = [
    "AsyncOperation",
    "Operation",
    "OperationProgress",
    "OperationSummary",
    "awaited_operation",
    "blocking_operation",
    "get_operation",
    "list_operations",
]

Metadata = TypeVar("Metadata")
Result = TypeVar("Result")
OperationProgress = Union[BatchFitProgress, ExpressionVideoProgress]
_KINDS: tuple[OperationKind[Any, Any], ...] = (BATCH_FIT, EXPRESSION_VIDEO)
# One question to the server lasts this long at most; it is asked again until the caller's time is over.
_ASK_SECS = 20.0
_PROGRESS_SECS = 1.0
_ANSWER_SECS = 10.0
# How long a server may be away while somebody waits; it takes the work up again when it is back.
_PATIENCE_SECS = 120.0
_FIRST_PAUSE_SECS = 0.2
_LAST_PAUSE_SECS = 2.0


@dataclass(frozen=True)
class OperationSummary:
    """One line of a list. `metadata` is None for a kind that this client does not know."""

    name: str
    done: bool
    metadata: OperationProgress | None


class _OperationBase(Generic[Metadata, Result]):
    """What both kinds of operation objects share; the state changes with every answer of the server."""

    def __init__(self, started: StartedOperation[Metadata, Result]) -> None:
        self._kind = started.kind
        self._message = started.message

    @property
    def name(self) -> str:
        """``operations/`` and an id."""
        return str(self._message.name)

    @property
    def done(self) -> bool:
        """Whether it had ended when the server last told of it."""
        return bool(self._message.done)

    @property
    def metadata(self) -> Metadata | None:
        """Its progress when the server last told of it; None for a kind that this client does not know."""
        message = self._kind.metadata_message()
        return self._kind.read_metadata(message) if self._message.metadata.Unpack(message) else None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {'done' if self.done else 'not done'}>"

    def _take(self, message: Any) -> None:
        self._message = message

    def _refresh(self, timeout_secs: float | None) -> Call[None]:
        request = operations_pb2.GetOperationRequest(name=self.name)
        return Call("operations.GetOperation", request, self._take, "operation", timeout_secs)

    def _cancel(self, timeout_secs: float | None) -> Call[None]:
        request = operations_pb2.CancelOperationRequest(name=self.name)
        return Call("operations.CancelOperation", request, _nothing, "operation", timeout_secs)

    def _delete(self, timeout_secs: float | None) -> Call[None]:
        request = operations_pb2.DeleteOperationRequest(name=self.name)
        return Call("operations.DeleteOperation", request, _nothing, "operation", timeout_secs)

    def _wait(
        self, timeout_secs: float | None, on_progress: Callable[[Metadata], None] | None
    ) -> Steps[bool]:
        end = None if timeout_secs is None else time.monotonic() + timeout_secs
        away_since: float | None = None
        pause_secs = _FIRST_PAUSE_SECS
        while not self.done:
            secs = _ASK_SECS if on_progress is None else _PROGRESS_SECS
            if end is not None:
                secs = min(secs, end - time.monotonic())
                if secs <= 0:
                    return False
            try:
                yield from self._ask(secs)
            except (ServerUnavailableError, StorageError, DeadlineError):
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > _PATIENCE_SECS:
                    raise
                yield Pause(pause_secs if end is None else min(pause_secs, max(0.0, end - time.monotonic())))
                pause_secs = min(2 * pause_secs, _LAST_PAUSE_SECS)
                continue
            away_since, pause_secs = None, _FIRST_PAUSE_SECS
            metadata = self.metadata
            if on_progress is not None and metadata is not None:
                on_progress(metadata)
        return True

    def _ask(self, secs: float) -> Call[None]:
        timeout = duration_pb2.Duration()
        timeout.FromMilliseconds(max(1, round(secs * 1000)))
        request = operations_pb2.WaitOperationRequest(name=self.name, timeout=timeout)
        return Call("operations.WaitOperation", request, self._take, "operation", secs + _ANSWER_SECS)

    def _outcome(
        self, timeout_secs: float | None, on_progress: Callable[[Metadata], None] | None
    ) -> Steps[Result]:
        if not (yield from self._wait(timeout_secs, on_progress)):
            raise DeadlineError(
                f"{self.name} is not done after {timeout_secs:g} s; it goes on, and can be found by its name",
                reason="OPERATION_NOT_DONE",
            )
        if self._message.HasField("error"):
            raise error_of_status(self._message.error)
        response = self._kind.response_message()
        if not self._message.response.Unpack(response):
            raise ServerError(
                f"{self.name} has a result of the kind {self._message.response.type_url!r}, which this client does "
                "not know; install a newer one",
                reason="UNKNOWN_RESULT",
            )
        return self._kind.read_result(response)


class Operation(_OperationBase[Metadata, Result]):
    """Work on the server, seen from a `Client`. It goes on when this object, or the process, is gone."""

    def __init__(self, wire: Wire, started: StartedOperation[Metadata, Result]) -> None:
        super().__init__(started)
        self._wire = wire

    def refresh(self, *, timeout_secs: float | None = None) -> None:
        """Ask the server how it stands."""
        self._wire.run(self._refresh(timeout_secs))

    def wait(
        self,
        timeout_secs: float | None = None,
        *,
        on_progress: Callable[[Metadata], None] | None = None,
    ) -> bool:
        """Until it is done or the time is over; whether it is done. A server that restarts is waited for."""
        return self._wire.run(self._wait(timeout_secs, on_progress))

    def result(
        self,
        timeout_secs: float | None = None,
        *,
        on_progress: Callable[[Metadata], None] | None = None,
    ) -> Result:
        """Wait and give the result. Raises what the operation ended with; `DeadlineError` when it goes on."""
        return self._wire.run(self._outcome(timeout_secs, on_progress))

    def cancel(self, *, timeout_secs: float | None = None) -> None:
        """Ask for its end; `result` then raises `OperationCancelledError`, unless it was done before."""
        self._wire.run(self._cancel(timeout_secs))

    def delete(self, *, timeout_secs: float | None = None) -> None:
        """Forget a done operation and its result."""
        self._wire.run(self._delete(timeout_secs))


class AsyncOperation(_OperationBase[Metadata, Result]):
    """Work on the server, seen from an `AsyncClient`. It goes on when this object, or the process, is gone."""

    def __init__(self, wire: AsyncWire, started: StartedOperation[Metadata, Result]) -> None:
        super().__init__(started)
        self._wire = wire

    async def refresh(self, *, timeout_secs: float | None = None) -> None:
        """Ask the server how it stands."""
        await self._wire.run(self._refresh(timeout_secs))

    async def wait(
        self,
        timeout_secs: float | None = None,
        *,
        on_progress: Callable[[Metadata], None] | None = None,
    ) -> bool:
        """Until it is done or the time is over; whether it is done. A server that restarts is waited for."""
        return await self._wire.run(self._wait(timeout_secs, on_progress))

    async def result(
        self,
        timeout_secs: float | None = None,
        *,
        on_progress: Callable[[Metadata], None] | None = None,
    ) -> Result:
        """Wait and give the result. Raises what the operation ended with; `DeadlineError` when it goes on."""
        return await self._wire.run(self._outcome(timeout_secs, on_progress))

    async def cancel(self, *, timeout_secs: float | None = None) -> None:
        """Ask for its end; `result` then raises `OperationCancelledError`, unless it was done before."""
        await self._wire.run(self._cancel(timeout_secs))

    async def delete(self, *, timeout_secs: float | None = None) -> None:
        """Forget a done operation and its result."""
        await self._wire.run(self._delete(timeout_secs))


def get_operation(name: str, *, timeout_secs: float | None = None) -> Call[StartedOperation[Any, Any]]:
    """An operation of any kind that was started before, by this client or another one with the same token."""
    request = operations_pb2.GetOperationRequest(name=name)
    return Call("operations.GetOperation", request, _found, "operation", timeout_secs)


def list_operations(
    *, filter_text: str = "", timeout_secs: float | None = None
) -> Steps[tuple[OperationSummary, ...]]:
    """One's own operations, newest first; `filter_text` for example ``done = false``."""
    found: list[OperationSummary] = []
    page_token = ""
    while True:
        request = operations_pb2.ListOperationsRequest(
            name="operations", filter=filter_text, page_token=page_token
        )
        page = yield from Call("operations.ListOperations", request, _itself, "operation", timeout_secs)
        found.extend(_summary(message) for message in page.operations)
        page_token = page.next_page_token
        if not page_token:
            return tuple(found)


class _HasWire(Protocol):
    _wire: Wire


class _HasAsyncWire(Protocol):
    _wire: AsyncWire


def blocking_operation(
    describe: Callable[P, Call[StartedOperation[Metadata, Result]]],
) -> Callable[Concatenate[_HasWire, P], Operation[Metadata, Result]]:
    """A method of `Client` that gives the operation which `describe` starts or finds."""

    def method(self: _HasWire, /, *args: P.args, **kwargs: P.kwargs) -> Operation[Metadata, Result]:
        return Operation(self._wire, self._wire.run(describe(*args, **kwargs)))

    return as_method(method, describe, "Operation")


def awaited_operation(
    describe: Callable[P, Call[StartedOperation[Metadata, Result]]],
) -> Callable[Concatenate[_HasAsyncWire, P], Coroutine[Any, Any, AsyncOperation[Metadata, Result]]]:
    """A method of `AsyncClient` that gives the operation which `describe` starts or finds."""

    async def method(
        self: _HasAsyncWire, /, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncOperation[Metadata, Result]:
        return AsyncOperation(self._wire, await self._wire.run(describe(*args, **kwargs)))

    return as_method(method, describe, "AsyncOperation")


def _found(message: Any) -> StartedOperation[Any, Any]:
    """Of a kind that this client does not know, metadata and result cannot be read, whichever kind is named."""
    return StartedOperation(message, _kind_of(message) or BATCH_FIT)


def _summary(message: Any) -> OperationSummary:
    kind = _kind_of(message)
    if kind is None:
        return OperationSummary(message.name, message.done, None)
    metadata = kind.metadata_message()
    message.metadata.Unpack(metadata)
    return OperationSummary(message.name, message.done, kind.read_metadata(metadata))


def _kind_of(message: Any) -> OperationKind[Any, Any] | None:
    return next((kind for kind in _KINDS if message.metadata.Is(kind.metadata_message.DESCRIPTOR)), None)


def _nothing(_answer: Any) -> None:
    """Of an empty answer."""


def _itself(answer: Any) -> Any:
    return answer
