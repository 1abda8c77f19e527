"""Carries procedures out on the event loop: the awaited twin of `facewright._blocking`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import TYPE_CHECKING, Any, Callable, Protocol, TypeVar

import grpc

from facewright._calls import Call, EachEvent, Pause, Procedure, Step, StreamCall
from facewright._channel import Connection
from facewright._retry import Attempts
from facewright._signatures import as_method

if TYPE_CHECKING:
    from typing_extensions import Concatenate, ParamSpec

    P = ParamSpec("P")

__all__ = ["AsyncWire", "awaited", "awaited_stream"]

T = TypeVar("T")


class AsyncWire:
    """A channel and how to use it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channel = connection.open_channel(grpc.aio)
        self._methods = connection.methods(self._channel)

    async def run(self, procedure: Procedure[T]) -> T:
        """Until its result. Raises the errors of the calls that the procedure does not handle itself."""
        steps = iter(procedure)
        try:
            step = next(steps)
            while True:
                try:
                    answer = await self._perform(step)
                except Exception as error:  # noqa: BLE001 - the procedure decides; most let it pass
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    async def stream(self, call: StreamCall[T]) -> AsyncGenerator[T, None]:
        """Events as they come; closing the generator stops the work of the server."""
        attempts = self._connection.attempts(call)
        while True:
            answers = self._methods(call.method)(call.request, **self._connection.terms(attempts))
            try:
                async for answer in answers:
                    attempts.began()
                    yield call.read(answer)
            except grpc.RpcError as ended:
                pause_secs = attempts.pause_secs(ended)
            else:
                return
            finally:
                answers.cancel()
            await asyncio.sleep(pause_secs)

    async def close(self) -> None:
        """Cancel what is running and disconnect."""
        await self._channel.close()

    async def _perform(self, step: Step) -> Any:
        if isinstance(step, Call):
            return await self._ask(step, self._connection.attempts(step))
        if isinstance(step, Pause):
            await asyncio.sleep(step.secs)
            return None
        return await self._each(step)

    async def _ask(self, call: Call[T], attempts: Attempts) -> T:
        method = self._methods(call.method)
        while True:
            request = call.request if call.parts is None else iter(call.parts())
            try:
                return call.read(await method(request, **self._connection.terms(attempts)))
            except grpc.RpcError as ended:
                pause_secs = attempts.pause_secs(ended)
            await asyncio.sleep(pause_secs)

    async def _each(self, step: EachEvent) -> None:
        events = self.stream(step.call)
        try:
            async for event in events:
                step.take(event)
        finally:
            await events.aclose()


class _HasWire(Protocol):
    _wire: AsyncWire


def awaited(
    describe: Callable[P, Procedure[T]],
) -> Callable[Concatenate[_HasWire, P], Coroutine[Any, Any, T]]:
    """A method that carries `describe` out and returns its result."""

    async def method(self: _HasWire, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._wire.run(describe(*args, **kwargs))

    return as_method(method, describe)


def awaited_stream(
    describe: Callable[P, StreamCall[T]],
) -> Callable[Concatenate[_HasWire, P], AsyncGenerator[T, None]]:
    """A method that returns the events of `describe`."""

    def method(self: _HasWire, /, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T, None]:
        return self._wire.stream(describe(*args, **kwargs))

    return as_method(method, describe, "AsyncGenerator[{}, None]")
