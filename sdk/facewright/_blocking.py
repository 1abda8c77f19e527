"""Carries procedures out on the calling thread."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Callable, Protocol, TypeVar

import grpc

from facewright._calls import Call, EachEvent, Pause, Procedure, Step, StreamCall
from facewright._channel import Connection
from facewright._retry import Attempts
from facewright._signatures import as_method

if TYPE_CHECKING:
    from typing_extensions import Concatenate, ParamSpec

    P = ParamSpec("P")

__all__ = ["Wire", "blocking", "streaming"]

T = TypeVar("T")


class Wire:
    """A channel and how to use it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channel = connection.open_channel(grpc)
        self._methods = connection.methods(self._channel)

    def run(self, procedure: Procedure[T]) -> T:
        """Until its result. Raises the errors of the calls that the procedure does not handle itself."""
        steps = iter(procedure)
        try:
            step = next(steps)
            while True:
                try:
                    answer = self._perform(step)
                except Exception as error:  # noqa: BLE001 - the procedure decides; most let it pass
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    def stream(self, call: StreamCall[T]) -> Generator[T, None, None]:
        """Events as they come; closing the generator stops the work of the server."""
        attempts = self._connection.attempts(call)
        while True:
            answers = self._methods(call.method)(call.request, **self._connection.terms(attempts))
            try:
                for answer in answers:
                    attempts.began()
                    yield call.read(answer)
            except grpc.RpcError as ended:
                pause_secs = attempts.pause_secs(ended)
            else:
                return
            finally:
                answers.cancel()
            time.sleep(pause_secs)

    def close(self) -> None:
        """Cancel what is running and disconnect."""
        self._channel.close()

    def _perform(self, step: Step) -> Any:
        if isinstance(step, Call):
            return self._ask(step, self._connection.attempts(step))
        if isinstance(step, Pause):
            time.sleep(step.secs)
            return None
        return self._each(step)

    def _ask(self, call: Call[T], attempts: Attempts) -> T:
        method = self._methods(call.method)
        while True:
            request = call.request if call.parts is None else iter(call.parts())
            try:
                return call.read(method(request, **self._connection.terms(attempts)))
            except grpc.RpcError as ended:
                pause_secs = attempts.pause_secs(ended)
            time.sleep(pause_secs)

    def _each(self, step: EachEvent) -> None:
        events = self.stream(step.call)
        try:
            for event in events:
                step.take(event)
        finally:
            events.close()


class _HasWire(Protocol):
    _wire: Wire


def blocking(describe: Callable[P, Procedure[T]]) -> Callable[Concatenate[_HasWire, P], T]:
    """A method that carries `describe` out and returns its result."""

    def method(self: _HasWire, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._wire.run(describe(*args, **kwargs))

    return as_method(method, describe)


def streaming(
    describe: Callable[P, StreamCall[T]],
) -> Callable[Concatenate[_HasWire, P], Generator[T, None, None]]:
    """A method that returns the events of `describe`."""

    def method(self: _HasWire, /, *args: P.args, **kwargs: P.kwargs) -> Generator[T, None, None]:
        return self._wire.stream(describe(*args, **kwargs))

    return as_method(method, describe, "Generator[{}, None, None]")
